-- How much of its region a zone is: its share of the hours in weeks without any trial.
with supply as (
    select * from {{ ref('stg_zone_supply') }}
),

trials as (
    select * from {{ ref('zone_trials') }}
),

regions_of_zones as (
    select distinct
        zone_id,
        region
    from supply
),

weeks_of_trials as (
    select distinct
        regions_of_zones.region,
        trials.starts_at,
        trials.ends_at
    from trials
    inner join regions_of_zones on trials.zone_id = regions_of_zones.zone_id
),

undisturbed as (
    select
        supply.region,
        supply.zone_id,
        sum(supply.hours) as hours
    from supply
    left join weeks_of_trials
        on
            supply.region = weeks_of_trials.region
            and supply.week >= weeks_of_trials.starts_at
            and supply.week < weeks_of_trials.ends_at
    where weeks_of_trials.region is null
    group by supply.region, supply.zone_id
),

zone_weights as (
    select
        region,
        zone_id,
        hours / sum(hours) over (partition by region) as weight
    from undisturbed
)

select * from zone_weights
