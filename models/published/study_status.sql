with studies as (
  {{ causal.current_definitions() }}
),

runs as (
  select * from {{ ref('runs') }}
),

checks as (
  select * from {{ ref('checks') }}
),

gates as (
  {{ causal.gate_counts('checks') }}
),

judged as (
  select
    studies.study_id,
    studies.current_definition_hash,
    runs.run_id,
    runs.definition_hash,
    runs.tier,
    runs.bias_bound,
    runs.n_failed,
    runs.n_warned,
    runs.reason as run_reason,
    gates.first_reason,
    {{ causal.verdict('studies.current_definition_hash') }} as status
  from studies
  left join runs on studies.study_id = runs.study_id
  left join gates on runs.study_id = gates.study_id and runs.run_id = gates.run_id
),

explained as (
  select
    study_id,
    run_id,
    status,
    tier,
    bias_bound,
    n_failed,
    n_warned,
    {{ causal.verdict_reason('status', 'run_reason', 'first_reason') }} as reason,
    definition_hash,
    current_definition_hash
  from judged
)

select * from explained
