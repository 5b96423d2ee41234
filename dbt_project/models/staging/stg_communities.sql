with source as (
    select * from {{ source('product', 'communities') }}
),

communities as (
    select
        community_id,
        topic,
        founded_at
    from source
)

select * from communities
