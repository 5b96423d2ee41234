-- The published effect of the discount (gated as in the study's leaf, so that a study that is blocked gives the
-- forecast nothing and does not stop it), brought from log points of a zone to requests of the region, had all its
-- zones got it. Its bias bound comes in standard deviations of the outcome; where no check says how large a bias it
-- could have missed, it is the study's margin, 0.1.
with published as (
    {{ causal.gated(ref('shared_discount__results')) }}
),

effects as (
    select * from published
    where status = 'published' and is_headline
),

zones as (
    select stddev_samp(outcome_log_shared_requests) as log_sd
    from {{ ref('shared_discount') }}
),

rollouts as (
    select
        min(started_at) as starts,
        max(ended_at) as ends,
        max(delta) as delta
    from {{ ref('stg_discount_rollouts') }}
),

requests as (
    select sum(product_weeks.requests) as untreated
    from {{ ref('product_weeks') }} as product_weeks
    cross join rollouts
    where
        product_weeks.region = 'canal'
        and product_weeks.product = 'shared'
        and product_weeks.week >= rollouts.starts
        and product_weeks.week < rollouts.ends
),

observational as (
    select
        effects.study_id as experiment,
        'coupon' as lever,
        'requests' as outcome,
        'canal' as region,
        'shared' as product,
        rollouts.starts,
        rollouts.ends,
        rollouts.delta,
        (exp(effects.estimate / 100) - 1) * requests.untreated as effect,
        exp(effects.estimate / 100) * effects.std_error / 100 * requests.untreated as std_error,
        'observational' as source,
        coalesce(effects.bias_bound, 0.1) * zones.log_sd / 100 * requests.untreated as bias_bound,
        'train' as split
    from effects
    cross join zones
    cross join rollouts
    cross join requests
)

select * from observational
