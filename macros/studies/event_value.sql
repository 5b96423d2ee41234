{#- The name of a feature's column among the events of its source model; a count without a column counts events. -#}
{% macro event_value(feature) -%}
  {{ return('value_' ~ feature.column if feature.column else '1') }}
{%- endmacro %}
