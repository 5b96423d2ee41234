with accounts as (
    select
        user_id,
        signed_up_at,
        platform
    from {{ ref('stg_users') }}
)

select * from accounts
