with sessions as (
    select
        user_id,
        started_at,
        session_id
    from {{ ref('stg_sessions') }}
)

select * from sessions
