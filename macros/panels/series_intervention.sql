{#- The one row of the intervention: the first treatment of any unit, and the period in which it began. -#}
{% macro series_intervention(first_micros) -%}
  select
    first_treated.treated_at,
    {{ causal.treated_period('first_treated.treated_micros', 'calendar.period', first_micros) }} as period
  from (
    select min(treated_at) as treated_at, min(treated_micros) as treated_micros from members where treatment = 1
  ) as first_treated
  left join calendar
    on {{ causal.in_period('first_treated.treated_micros', 'calendar.starts_micros', 'calendar.ends_micros') }}
{%- endmacro %}
