with plans as (
  select * from {{ ref('plan_status') }}
),

decisions as (
  {{ causal.unite_steps('decision', causal.plan_columns(), ['plan']) }}
),

published as (
  select
    plans.forecast_id,
    plans.run_id,
    plans.status,
    {{ causal.withheld_items('decisions', causal.plan_columns(), "plans.status = 'published'") }},
    plans.reason,
    plans.definition_hash,
    plans.current_definition_hash
  from plans
  left join decisions on plans.forecast_id = decisions.forecast_id and plans.run_id = decisions.run_id
)

select * from published
