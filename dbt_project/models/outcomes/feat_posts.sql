with posts as (
    select
        community_id,
        posted_at,
        post_id
    from {{ ref('stg_posts') }}
)

select * from posts
