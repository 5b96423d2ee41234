with forecasts as (
  {{ causal.current_forecasts() }}
),

plans as (
  {{ causal.unite_steps('plan', {'forecast_id': 'string', 'run_id': 'string', 'definition_hash': 'string'}, ['plan']) }}
),

checks as (
  select * from {{ ref('forecast_checks') }}
  where step in ('plan', 'consistency')
),

gates as (
  {{ causal.plan_gate_counts('checks') }}
),

judged as (
  select
    forecasts.forecast_id,
    forecasts.current_definition_hash,
    plans.run_id,
    plans.definition_hash,
    gates.first_reason,
    {{ causal.plan_verdict('forecasts.current_definition_hash') }} as status
  from forecasts
  left join plans on forecasts.forecast_id = plans.forecast_id
  left join gates on plans.forecast_id = gates.forecast_id and plans.run_id = gates.run_id
  where forecasts.has_plan
),

explained as (
  select
    forecast_id,
    run_id,
    status,
    {{ causal.plan_reason('status', 'first_reason') }} as reason,
    definition_hash,
    current_definition_hash
  from judged
)

select * from explained
