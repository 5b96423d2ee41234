{#- The model of the installing project that holds a forecast's definition, or none. -#}
{% macro forecast_node(forecast_id) -%}
  {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ forecast_id) -%}
  {{ return(node if node and node.config.meta.get('forecast') else none) }}
{%- endmacro %}
