{#- Condition that an event (microseconds since 1970) lies where the window of any unit can reach: from `first_day` days after
    the earliest index time (none: no beginning) to `end_day` days after the latest. It is passed over before any join. -#}
{% macro within_reach(event_micros, first_day, end_day) -%}
  {%- set day = 86400000000 -%}
  ({{ event_micros ~ ' >= (select min(treated_micros) from index_times) + ' ~ first_day * day ~ ' and ' if first_day is not none }}
  {{- event_micros }} < (select max(treated_micros) from index_times) + {{ end_day * day }})
{%- endmacro %}
