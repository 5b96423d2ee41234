with replies as (
    select
        community_id,
        replied_at,
        reply_id
    from {{ ref('stg_replies') }}
)

select * from replies
