-- What each zone of an experiment had in the window, and in the four weeks before it: hours where bonuses were tried,
-- requests where coupons were.
with experiments as (
    select * from {{ ref('stg_geo_experiments') }}
),

arms as (
    select * from {{ ref('stg_geo_experiment_zones') }}
),

outcomes as (
    select
        'bonus' as lever,
        'hours' as outcome,
        cast(null as string) as product,
        zone_id,
        week,
        hours as quantity
    from {{ ref('stg_zone_supply') }}
    union all
    select
        'coupon' as lever,
        'requests' as outcome,
        product,
        zone_id,
        week,
        requests as quantity
    from {{ ref('stg_zone_demand') }}
),

zone_sums as (
    select
        experiments.experiment,
        outcomes.outcome,
        arms.zone_id,
        arms.is_treated,
        sum(case when outcomes.week >= experiments.starts_on then outcomes.quantity end) as during,
        sum(case when outcomes.week < experiments.starts_on then outcomes.quantity end) as before
    from experiments
    inner join arms on experiments.experiment = arms.experiment
    inner join outcomes
        on
            arms.zone_id = outcomes.zone_id
            and experiments.lever = outcomes.lever
            and coalesce(experiments.product, '') = coalesce(outcomes.product, '')
            and experiments.starts_on - interval 28 day <= outcomes.week
            and experiments.ends_on > outcomes.week
    group by experiments.experiment, outcomes.outcome, arms.zone_id, arms.is_treated
)

select * from zone_sums
