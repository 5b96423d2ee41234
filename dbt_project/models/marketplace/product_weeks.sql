-- Regions by product and week, from the zones that their policy reached (see region_weeks).
with demand as (
    select * from {{ ref('stg_zone_demand') }}
),

zones as (
    select * from {{ ref('weeks_off_trial') }}
),

product_weeks as (
    select
        demand.region,
        demand.product,
        demand.week,
        sum(demand.coupon) / sum(zones.weight) as coupon,
        sum(demand.requests) / sum(zones.weight) as requests,
        sum(demand.rides) / sum(zones.weight) as rides
    from demand
    inner join zones on demand.zone_id = zones.zone_id and demand.week = zones.week
    group by demand.region, demand.product, demand.week
)

select * from product_weeks
