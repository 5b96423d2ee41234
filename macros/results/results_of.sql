{#- The relation of a study's results, found through the graph from its leaf (a relation named `<study>__published`). -#}
{% macro results_of(leaf) -%}
  {%- for node in graph.nodes.values() -%}
    {%- if node.resource_type == 'model' and node.alias == leaf.identifier and node.schema == leaf.schema -%}
      {%- for id in node.depends_on.nodes if id.endswith('__results') -%}
        {%- set results = graph.nodes[id] -%}
        {{ return(api.Relation.create(database=results.database, schema=results.schema, identifier=results.alias)) }}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error('CAUSAL-001 ' ~ leaf ~ ' is not the leaf of a study\n  fix: put the test on <study>__published') }}
{%- endmacro %}
