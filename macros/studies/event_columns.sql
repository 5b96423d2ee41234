{#- The aggregates of one source model's features: one select item per windowed column, and the audit columns. -#}
{% macro event_columns(columns, moment) -%}
  {%- for column in columns %}
    {{ causal.feature_aggregate(column.feature, causal.event_value(column.feature), moment, causal.in_window(moment, column.start_days, column.end_days), column.days) }} as {{ column.name }},
  {%- endfor %}
    max({{ moment }}) filter (where {{ causal.any_window(columns, moment, false) }}) as latest_covariate_micros,
    min({{ moment }}) filter (where {{ causal.any_window(columns, moment, true) }}) as earliest_outcome_micros
{%- endmacro %}
