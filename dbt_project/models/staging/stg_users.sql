with source as (
    select * from {{ source('product', 'users') }}
),

users as (
    select
        user_id,
        signed_up_at,
        platform,
        country
    from source
)

select * from users
