{#- Every unit with `cohort`, the first period in which it is treated. -#}
{% macro placed_units(first_micros) -%}
  select
    assigned.*,
    {{ causal.treated_period('assigned.treated_micros', 'treated.period', first_micros) }} as cohort
  from assigned
  left join calendar as treated
    on {{ causal.in_period('assigned.treated_micros', 'treated.starts_micros', 'treated.ends_micros') }}
{%- endmacro %}
