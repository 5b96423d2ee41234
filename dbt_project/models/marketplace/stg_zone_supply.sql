with source as (
    select * from {{ source('marketplace', 'zone_supply') }}
),

zone_supply as (
    select
        zone_id,
        region,
        week,
        bonus,
        hours
    from source
)

select * from zone_supply
