{#- One source model's features over the units of a series: the sum where a unit without events has 0, else what is asked. -#}
{% macro series_aggregates(columns, aggregate) -%}
  {%- for column in columns %}
  {%- set kind = 'sum' if causal.is_zero_without_events(column.feature) else aggregate %}
    {{ causal.aggregate_function(kind) }}(cast({{ column.name }} as double)) as {{ column.name }},
  {%- endfor %}
    min(earliest_outcome_micros) as earliest_outcome_micros,
    max(latest_outcome_micros) as latest_outcome_micros
{%- endmacro %}
