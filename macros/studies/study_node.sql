{#- The model of the installing project that holds a study's definition, or none. -#}
{% macro study_node(study_id) -%}
  {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ study_id) -%}
  {{ return(node if node and node.config.meta.get('study') else none) }}
{%- endmacro %}
