with source as (
    select * from {{ source('marketplace', 'zone_demand') }}
),

zone_demand as (
    select
        zone_id,
        region,
        product,
        week,
        coupon,
        requests,
        rides
    from source
)

select * from zone_demand
