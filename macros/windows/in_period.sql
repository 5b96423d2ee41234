{#- Condition that a moment (microseconds since 1970) lies in a period: [start, end). -#}
{% macro in_period(micros, starts_micros, ends_micros) -%}
  ({{ micros }} >= {{ starts_micros }} and {{ micros }} < {{ ends_micros }})
{%- endmacro %}
