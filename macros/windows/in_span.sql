{#- Whether an event lies in the window of any unit at all, from the first treatment to the last: what is asked of an event
    before its unit is looked up, so that events of other years cost no lookup. Same arguments as `in_window`, but for the
    moment, which is in microseconds. -#}
{% macro in_span(event_micros, start_days, end_days) -%}
  {%- set day = 86400000000 -%}
  ({% if start_days is not none -%}
  {{ event_micros }} >= (select min(index_times.treated_micros) + {{ start_days * day }} from index_times) and {% endif -%}
  {{ event_micros }} < (select max(index_times.treated_micros) + {{ end_days * day }} from index_times))
{%- endmacro %}
