with studies as (
  {{ causal.current_definitions() }}
),

runs as (
  select * from {{ ref('runs') }}
),

checks as (
  select * from {{ ref('checks') }}
),

effects as (
  select * from {{ ref('effects') }}
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

published as (
  select
    judged.study_id,
    judged.run_id,
    judged.status,
    judged.tier,
    effects.method,
    effects.estimand,
    effects.population,
    effects.outcome,
    effects.segment,
    effects.role,
    effects.is_headline,
    case when judged.status = 'published' then effects.estimate end as estimate,
    case when judged.status = 'published' then effects.std_error end as std_error,
    case when judged.status = 'published' then effects.ci_lower end as ci_lower,
    case when judged.status = 'published' then effects.ci_upper end as ci_upper,
    case when judged.status = 'published' then effects.p_value end as p_value,
    case when judged.status = 'published' then effects.p_value_adjusted end as p_value_adjusted,
    effects.n_units,
    effects.n_treated,
    judged.bias_bound,
    judged.n_failed,
    judged.n_warned,
    {{ causal.verdict_reason('judged.status', 'judged.run_reason', 'judged.first_reason') }} as reason,
    judged.definition_hash,
    judged.current_definition_hash
  from judged
  left join effects on judged.study_id = effects.study_id and judged.run_id = effects.run_id
)

select * from published
