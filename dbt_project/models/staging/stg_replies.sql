with source as (
    select * from {{ source('product', 'replies') }}
),

replies as (
    select
        reply_id,
        community_id,
        replied_at
    from source
)

select * from replies
