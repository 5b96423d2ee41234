{#- First and last day of a window before treatment, in days after it (so both are negative or 0); the start is none for
    all history. `shift_days` moves the index time back, for the placebo in time. Raises CAUSAL-017 for a window that
    reaches past treatment. -#}
{% macro pre_window_days(days, gap_days, anticipation_days, subject, shift_days=0) -%}
  {%- set latest_day = [0 - gap_days, 0 - anticipation_days, 0 - shift_days] | max -%}
  {%- if days is not none and days <= 0 -%}
    {{ causal.refuse_window(subject, 'a window of ' ~ days ~ ' days', 'give window_days of at least 1') }}
  {%- endif -%}
  {%- if latest_day > 0 -%}
    {{ causal.refuse_window(subject, 'the window ends ' ~ latest_day ~ ' days after treatment', 'give a gap of 0 days or more') }}
  {%- endif -%}
  {%- set end_days = 0 - gap_days - anticipation_days - shift_days -%}
  {{ return({'start_days': none if days is none else end_days - days, 'end_days': end_days}) }}
{%- endmacro %}
