{#- Whether a unit without events has 0 of this feature (a count, a sum) rather than null (a mean of nothing). -#}
{% macro is_zero_without_events(feature) -%}
  {{ return(feature.aggregation in ('sum', 'count', 'count_distinct', 'rate')) }}
{%- endmacro %}
