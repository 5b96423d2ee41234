-- Zones by week, but for the weeks in which something was tried on them: there they followed their region's policy.
with supply as (
    select * from {{ ref('stg_zone_supply') }}
),

trials as (
    select * from {{ ref('zone_trials') }}
),

weights as (
    select * from {{ ref('zone_weights') }}
),

weeks_off_trial as (
    select
        supply.zone_id,
        supply.week,
        weights.weight
    from supply
    inner join weights on supply.zone_id = weights.zone_id
    left join trials
        on
            supply.zone_id = trials.zone_id
            and supply.week >= trials.starts_at
            and supply.week < trials.ends_at
    where trials.zone_id is null
)

select * from weeks_off_trial
