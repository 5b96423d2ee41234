{{
  config(
    materialized='incremental',
    full_refresh=false,
    on_schema_change='append_new_columns',
    incremental_strategy='append'
  )
}}

with runs as (
  select * from {{ ref('runs') }}
),

effects as (
  select * from {{ ref('effects') }}
),

entries as (
  select
    runs.study_id,
    runs.run_id,
    case when effects.study_id is null then 'run' else 'effect' end as record,
    runs.status,
    runs.tier,
    runs.definition_hash,
    runs.git_commit,
    runs.library_version,
    runs.data_fingerprint,
    effects.method,
    effects.estimand,
    effects.outcome,
    effects.segment,
    effects.estimate_hash,
    effects.population,
    effects.role,
    effects.is_headline,
    effects.estimate,
    effects.std_error,
    effects.p_value,
    effects.p_value_adjusted,
    effects.n_units,
    runs.reason
  from runs
  left join effects on runs.study_id = effects.study_id and runs.run_id = effects.run_id
  {% if is_incremental() %}
  where not exists (
    select 1 from {{ this }} as logged where logged.study_id = runs.study_id and logged.run_id = runs.run_id
  )
  {% endif %}
),

described as (
  select
    entries.*,
    {{
      causal.json_record([
        'population', 'role', 'is_headline', 'estimate', 'std_error', 'p_value', 'p_value_adjusted', 'n_units', 'reason'
      ])
    }} as payload
  from entries
),

stamped as (
  select
    study_id,
    run_id,
    record,
    status,
    tier,
    definition_hash,
    git_commit,
    library_version,
    data_fingerprint,
    method,
    estimand,
    outcome,
    segment,
    estimate_hash,
    md5(payload) as payload_hash,
    '{{ invocation_id }}' as logged_by,
    {{ causal.run_started() }} as logged_at,
    payload
  from described
),

next_link as (
  {{ causal.chained('stamped', this if is_incremental() else none) }}
)

-- on Spark one file: a link is there as a whole or not at all, whatever is killed
select /*+ coalesce(1) */ * from next_link
