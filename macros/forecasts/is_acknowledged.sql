{#- Whether the block of exactly this definition of a leaf's forecast was acknowledged in review: quiets the tests of the
    leaf, publishes nothing. -#}
{% macro is_acknowledged(leaf) -%}
  {%- set forecast_id = (leaf.identifier | string)[:-11] -%}
  {%- set node = causal.forecast_node(forecast_id) -%}
  {{ return(node is not none and node.config.meta.forecast.get('acknowledged_block') == causal.forecast_hash(forecast_id)) }}
{%- endmacro %}
