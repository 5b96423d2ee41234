with purchases as (
    select
        user_id,
        purchased_at,
        'purchase' as event_name
    from {{ ref('stg_purchases') }}
)

select * from purchases
