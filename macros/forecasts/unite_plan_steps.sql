{#- The rows of one record of steps that follow a plan, with what a withheld plan must not show null. verdicts: ref of plan_status;
    the others as in `unite_steps`, columns with `forecast_id`, `run_id` and `definition_hash` among them. -#}
{% macro unite_plan_steps(verdicts, record, columns, steps) -%}
with verdicts as (
  select * from {{ verdicts }}
),

united as (
  {{ causal.unite_steps(record, columns, steps) }}
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
