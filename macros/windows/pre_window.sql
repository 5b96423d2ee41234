{#- Condition that an event lies in the window of `days` days that ends `gap_days + anticipation_days` before treatment.
    Half-open, [start, end), per unit, in UTC; days none means all history. Refuses a window that reaches treatment. -#}
{% macro pre_window(event_at, treated_at, days, gap_days=0, anticipation_days=0) -%}
  {%- set window = causal.pre_window_days(days, gap_days, anticipation_days, 'pre_window') -%}
  {{ causal.in_window(causal.micros_after_treatment(event_at, treated_at), window.start_days, window.end_days) }}
{%- endmacro %}
