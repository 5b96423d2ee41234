with studies as (
  select * from {{ ref('study_status') }}
),

effects as (
  select * from {{ ref('effects') }}
),

published as (
  select
    studies.study_id,
    studies.run_id,
    studies.status,
    studies.tier,
    effects.method,
    effects.estimand,
    effects.population,
    effects.outcome,
    effects.segment,
    effects.role,
    effects.is_headline,
    case when studies.status = 'published' then effects.estimate end as estimate,
    case when studies.status = 'published' then effects.std_error end as std_error,
    case when studies.status = 'published' then effects.ci_lower end as ci_lower,
    case when studies.status = 'published' then effects.ci_upper end as ci_upper,
    case when studies.status = 'published' then effects.p_value end as p_value,
    case when studies.status = 'published' then effects.p_value_adjusted end as p_value_adjusted,
    effects.n_units,
    effects.n_treated,
    studies.bias_bound,
    studies.n_failed,
    studies.n_warned,
    studies.reason,
    studies.definition_hash,
    studies.current_definition_hash
  from studies
  left join effects on studies.study_id = effects.study_id and studies.run_id = effects.run_id
)

select * from published
