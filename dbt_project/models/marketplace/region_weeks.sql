-- Regions by week, from the zones that their policy reached.
with zones as (
    {{ zones_off_trial(ref('stg_zone_supply'), ref('zone_trials'), ref('zone_weights')) }}
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
