{#- Condition that an event lies in the window of `days` days that begins `start_days` after treatment.
    Half-open, [start, end), per unit, in UTC. Refuses a window that begins before treatment. -#}
{% macro post_window(event_at, treated_at, start_days, days) -%}
  {%- set window = causal.post_window_days(start_days, days, 'post_window') -%}
  {{ causal.in_window(causal.micros_after_treatment(event_at, treated_at), window.start_days, window.end_days) }}
{%- endmacro %}
