{#- The aggregates of one source model's features: one select item per windowed column, and the audit columns. Columns whose
    windows begin together stand together, the longest first: an event that few windows see touches little of its unit's
    state. -#}
{% macro event_columns(columns, moment) -%}
  {%- set unbounded = columns | selectattr('start_days', 'none') | list -%}
  {%- set bounded = columns | rejectattr('start_days', 'none') | sort(attribute='start_days') -%}
    max({{ moment }}) filter (where {{ causal.any_window(columns, moment, false) }}) as latest_covariate_micros,
  {%- for column in unbounded + bounded %}
    {{ causal.feature_aggregate(column.feature, causal.event_value(column.feature), moment, causal.in_window(moment, column.start_days, column.end_days), column.days) }} as {{ column.name }},
  {%- endfor %}
    min({{ moment }}) filter (where {{ causal.any_window(columns, moment, true) }}) as earliest_outcome_micros
{%- endmacro %}
