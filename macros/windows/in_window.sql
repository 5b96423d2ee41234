{#- Condition on the microseconds after treatment: [start_days, end_days), days of 24 hours counted from treatment.
    start_days none means that the window has no beginning. -#}
{% macro in_window(micros_after_treatment, start_days, end_days) -%}
  {%- set day = 86400000000 -%}
  ({{ micros_after_treatment ~ ' >= ' ~ start_days * day ~ ' and ' if start_days is not none }}
  {{- micros_after_treatment }} < {{ end_days * day }})
{%- endmacro %}
