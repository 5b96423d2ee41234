{#- The study table's column of one confounder or placebo outcome, measured before treatment. -#}
{% macro pre_column(prefix, item, study, registered, shift_days=0) -%}
  {%- set column = causal.windowed_column(prefix, item, registered) -%}
  {%- set gap_days = column.item.get('gap_days', 0) -%}
  {%- set window = causal.pre_window_days(column.days, gap_days, study.get('anticipation_days', 0), column.name, shift_days) -%}
  {{ return(dict(column, start_days=window.start_days, end_days=window.end_days, is_outcome=none if shift_days else false)) }}
{%- endmacro %}
