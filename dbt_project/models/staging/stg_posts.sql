with source as (
    select * from {{ source('product', 'posts') }}
),

posts as (
    select
        post_id,
        community_id,
        posted_at
    from source
)

select * from posts
