-- Regions by product and week, from the zones that their policy reached (see region_weeks).
with demand as (
    select * from {{ ref('stg_zone_demand') }}
),

trials as (
    select * from {{ ref('zone_trials') }}
),

weights as (
    select * from {{ ref('zone_weights') }}
),

zones as (
    select
        demand.zone_id,
        demand.region,
        demand.product,
        demand.week,
        demand.coupon,
        demand.requests,
        demand.rides,
        weights.weight
    from demand
    inner join weights on demand.zone_id = weights.zone_id
    left join trials
        on
            demand.zone_id = trials.zone_id
            and demand.week >= trials.starts_at
            and demand.week < trials.ends_at
    where trials.zone_id is null
),

product_weeks as (
    select
        region,
        product,
        week,
        sum(coupon) / sum(weight) as coupon,
        sum(requests) / sum(weight) as requests,
        sum(rides) / sum(weight) as rides
    from zones
    group by region, product, week
)

select * from product_weeks
