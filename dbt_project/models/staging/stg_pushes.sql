with source as (
    select * from {{ source('product', 'pushes') }}
),

pushes as (
    select
        push_id,
        user_id,
        sent_at,
        campaign
    from source
)

select * from pushes
