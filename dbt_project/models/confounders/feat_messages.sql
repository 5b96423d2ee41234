with messages as (
    select
        user_id,
        sent_at,
        message_id
    from {{ ref('stg_messages') }}
)

select * from messages
