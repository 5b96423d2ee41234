{#- The aggregates of one source model's features by period: one select item per column, and the audit columns. -#}
{% macro period_aggregates(columns) -%}
  {%- for column in columns %}
  {%- set condition = 'is_in_period' if column.is_outcome else causal.in_window('micros_after', column.start_days, column.end_days) %}
    {{ causal.feature_aggregate(column.feature, causal.event_value(column.feature), 'event_micros', condition, column.days) }} as {{ column.name }},
  {%- endfor %}
    max(event_micros) filter (where {{ causal.any_window(columns | rejectattr('is_outcome') | list, 'micros_after', false) }}) as latest_covariate_micros,
    min(event_micros) filter (where {{ 'is_in_period' if columns | selectattr('is_outcome') | list else 'false' }}) as earliest_outcome_micros,
    max(event_micros) filter (where {{ 'is_in_period' if columns | selectattr('is_outcome') | list else 'false' }}) as latest_outcome_micros
{%- endmacro %}
