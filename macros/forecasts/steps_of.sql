{#- The relations of the steps that a plan's leaf refs, found through the graph. -#}
{% macro steps_of(leaf) -%}
  {%- set found = [] -%}
  {%- for node in graph.nodes.values() -%}
    {%- if node.resource_type == 'model' and node.alias == leaf.identifier and node.schema == leaf.schema -%}
      {%- for id in node.depends_on.nodes | sort if id.endswith('__plan') or id.endswith('__consistency') -%}
        {%- set step = graph.nodes[id] -%}
        {%- do found.append(api.Relation.create(database=step.database, schema=step.schema, identifier=step.alias)) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if found | length == 2 -%}{{ return(found) }}{%- endif -%}
  {{ exceptions.raise_compiler_error('CAUSAL-001 ' ~ leaf ~ ' is not the leaf of a plan\n  fix: put the test on <forecast>__published') }}
{%- endmacro %}
