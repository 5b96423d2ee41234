with source as (
    select * from {{ source('product', 'rollouts') }}
),

rollouts as (
    select
        community_id,
        rolled_out,
        started_at
    from source
)

select * from rollouts
