{#- First and last day of a window before treatment, in days after it (so both are negative or 0); the start is none for
    all history. `shift_days` moves the index time back, for the placebo in time. Raises CAUSAL-017 for a window that
    reaches past treatment. -#}
{% macro pre_window_days(days, gap_days, anticipation_days, subject, shift_days=0) -%}
  {%- if days is not none and days <= 0 -%}{{ causal.refuse_window(subject, 'a window of ' ~ days ~ ' days is empty', 'give window_days of at least 1') }}{%- endif -%}
  {%- if gap_days < 0 or anticipation_days < 0 or shift_days < 0 -%}
    {{ causal.refuse_window(subject, 'the window ends ' ~ -[gap_days, anticipation_days, shift_days] | min ~ ' days after treatment', 'give a gap of 0 days or more') }}
  {%- endif -%}
  {%- set end_days = 0 - gap_days - anticipation_days - shift_days -%}
  {{ return({'start_days': none if days is none else end_days - days, 'end_days': end_days}) }}
{%- endmacro %}
