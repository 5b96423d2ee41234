with source as (
    select * from {{ source('product', 'messages') }}
),

messages as (
    select
        message_id,
        user_id,
        sent_at
    from source
)

select * from messages
