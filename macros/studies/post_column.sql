{#- The study table's column of one outcome, measured after treatment; shifted back, it ends before treatment (and before
    the days of anticipation). -#}
{% macro post_column(prefix, item, study, registered, shift_days=0) -%}
  {%- set column = causal.windowed_column(prefix, item, registered) -%}
  {%- set start_days = column.item.get('start_days', 0) -%}
  {%- set window = causal.post_window_days(start_days, column.days, column.name, shift_days, study.get('anticipation_days', 0)) -%}
  {{ return(dict(column, start_days=window.start_days, end_days=window.end_days, is_outcome=none if shift_days else true)) }}
{%- endmacro %}
