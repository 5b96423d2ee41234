with source as (
    select * from {{ source('marketplace', 'discount_rollouts') }}
),

discount_rollouts as (
    select
        zone_id,
        started_at,
        ended_at,
        delta
    from source
)

select * from discount_rollouts
