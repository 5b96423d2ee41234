-- Regions by week, from the zones that their policy reached: zones on trial are left out and the others weighed up, so
-- that what an experiment has measured is not counted a second time as history.
with supply as (
    select * from {{ ref('stg_zone_supply') }}
),

trials as (
    select * from {{ ref('zone_trials') }}
),

weights as (
    select * from {{ ref('zone_weights') }}
),

zones as (
    select
        supply.zone_id,
        supply.region,
        supply.week,
        supply.bonus,
        supply.hours,
        weights.weight
    from supply
    inner join weights on supply.zone_id = weights.zone_id
    left join trials
        on
            supply.zone_id = trials.zone_id
            and supply.week >= trials.starts_at
            and supply.week < trials.ends_at
    where trials.zone_id is null
),

region_weeks as (
    select
        region,
        week,
        sum(bonus) / sum(weight) as bonus,
        sum(hours) / sum(weight) as hours
    from zones
    group by region, week
)

select * from region_weeks
