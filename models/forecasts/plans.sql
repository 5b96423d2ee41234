with verdicts as (
  select * from {{ ref('plan_status') }}
),

summaries as (
  {{ causal.unite_steps('plan', causal.plan_summary_columns(), ['plan']) }}
),

plans as (
  select
    verdicts.forecast_id,
    verdicts.run_id,
    verdicts.status,
    {{ causal.withheld_items('summaries', causal.plan_summary_columns(), "verdicts.status = 'published'") }},
    verdicts.reason,
    verdicts.definition_hash,
    verdicts.current_definition_hash
  from verdicts
  left join summaries on verdicts.forecast_id = summaries.forecast_id and verdicts.run_id = summaries.run_id
)

select * from plans
