-- Regions by product and week, from the zones that their policy reached.
with zones as (
    {{ zones_off_trial(ref('stg_zone_demand'), ref('zone_trials'), ref('zone_weights')) }}
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
