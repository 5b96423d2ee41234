{#- The node of the graph behind a relation that the current model refs. -#}
{% macro node_of(relation) -%}
  {%- set identifier = relation.identifier | string | replace('__dbt__cte__', '') -%}
  {%- for id in model.depends_on.nodes -%}
    {%- set node = graph.nodes.get(id) -%}
    {%- if node and identifier in (node.get('alias'), node.name) -%}{{ return(node) }}{%- endif -%}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error('CAUSAL-003 ' ~ relation ~ ' is not a model that ' ~ model.name ~ ' refs\n  fix: pass ref(\'<feature model>\')') }}
{%- endmacro %}
