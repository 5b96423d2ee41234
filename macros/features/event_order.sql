{#- The name of the number that is in the order of a feature's values among the events of its source model; none where
    its type has no such number, or the engine needs none. -#}
{% macro event_order(feature) -%}
  {%- if feature.column and causal.order_number('value', feature.type) -%}{{ return('order_' ~ feature.column) }}{%- endif -%}
  {{ return(none) }}
{%- endmacro %}
