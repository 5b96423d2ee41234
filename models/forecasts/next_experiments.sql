with verdicts as (
  select * from {{ ref('plan_status') }}
),

united as (
  {{ causal.unite_steps('candidate', model.columns, ['next_experiment']) }}
),

shown as (
  select
    united.forecast_id,
    united.run_id,
    united.definition_hash,
    {{ causal.withheld_items('united', model.columns, "verdicts.status = 'published'") }}
  from united
  left join verdicts on united.forecast_id = verdicts.forecast_id and united.run_id = verdicts.run_id
)

select * from shown
