with source as (
    select * from {{ source('product', 'purchases') }}
),

purchases as (
    select
        purchase_id,
        user_id,
        purchased_at
    from source
)

select * from purchases
