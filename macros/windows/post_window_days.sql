{#- First and last day of a window after treatment, in days after it. With `shift_days` the index time moves back and the
    window must end before treatment, and before its days of anticipation (placebo in time). Raises CAUSAL-017 for a
    window that crosses treatment. -#}
{% macro post_window_days(start_days, days, subject, shift_days=0, anticipation_days=0) -%}
  {%- if days is none or days <= 0 -%}
    {{ causal.refuse_window(subject, 'an outcome window of ' ~ days ~ ' days', 'give window_days of at least 1') }}
  {%- endif -%}
  {%- if start_days < 0 -%}
    {{ causal.refuse_window(subject, 'the outcome window begins ' ~ -start_days ~ ' days before treatment', 'give start_days of 0 or more') }}
  {%- endif -%}
  {%- set needed_days = start_days + days + anticipation_days -%}
  {%- if shift_days and needed_days > shift_days -%}
    {{ causal.refuse_window(subject, 'shifted back by ' ~ shift_days ~ ' days the window still reaches treatment', 'give shift_days of at least ' ~ needed_days) }}
  {%- endif -%}
  {{ return({'start_days': start_days - shift_days, 'end_days': start_days + days - shift_days}) }}
{%- endmacro %}
