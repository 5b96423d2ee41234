{#- The rows of one record of the results of these steps of every forecast, typed, with the figures withheld (null) unless
    the plan is published. columns: as in `unite_steps`; verdicts: the relation `plan_status`. -#}
{% macro plan_records(record, columns, steps, verdicts) -%}
with united as (
  {{ causal.unite_steps(record, columns, steps) }}
),

verdicts as (
  select * from {{ verdicts }}
),

shown as (
  select
    united.forecast_id,
    united.run_id,
    united.definition_hash,
    {{ causal.withheld_items('united', columns, "verdicts.status = 'published'") }}
  from united
  left join verdicts on united.forecast_id = verdicts.forecast_id and united.run_id = verdicts.run_id
)

select * from shown
{%- endmacro %}
