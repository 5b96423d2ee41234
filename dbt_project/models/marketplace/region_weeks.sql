-- Regions by week, from the zones that their policy reached: zones on trial are left out and the others weighed up, so
-- that what an experiment has measured is not counted a second time as history.
with supply as (
    select * from {{ ref('stg_zone_supply') }}
),

zones as (
    select * from {{ ref('weeks_off_trial') }}
),

region_weeks as (
    select
        supply.region,
        supply.week,
        sum(supply.bonus) / sum(zones.weight) as bonus,
        sum(supply.hours) / sum(zones.weight) as hours
    from supply
    inner join zones on supply.zone_id = zones.zone_id and supply.week = zones.week
    group by supply.region, supply.week
)

select * from region_weeks
