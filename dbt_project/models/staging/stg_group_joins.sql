with source as (
    select * from {{ source('product', 'group_joins') }}
),

group_joins as (
    select
        join_id,
        user_id,
        joined_at,
        group_id
    from source
)

select * from group_joins
