{#- Every unit of `placed` in every period from 1 to `n_periods`, with the index of the row. -#}
{% macro unit_periods(n_periods, anticipation) -%}
  select
    placed.*,
    calendar.period,
    calendar.starts_micros,
    calendar.ends_micros,
    {{ causal.index_of_period('calendar.starts_micros', 'placed.treated_micros', 'anticipated.starts_micros' if anticipation) }} as index_micros
  from placed
  inner join calendar on calendar.period between 1 and {{ n_periods }}
  {%- if anticipation %}
  left join calendar as anticipated on anticipated.period = placed.cohort - {{ anticipation }}
  {%- endif %}
{%- endmacro %}
