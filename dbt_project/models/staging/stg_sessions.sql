with source as (
    select * from {{ source('product', 'sessions') }}
),

sessions as (
    select
        session_id,
        user_id,
        started_at
    from source
)

select * from sessions
