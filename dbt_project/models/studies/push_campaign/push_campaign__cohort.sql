with users as (
    select * from {{ ref('stg_users') }}
),

received as (
    select distinct user_id
    from {{ ref('stg_pushes') }}
    where campaign = 'spring_comeback'
),

campaign as (
    select timestamp '2026-04-08' as sent_at
),

cohort as (
    select
        users.user_id as unit_id,
        case when received.user_id is null then 0 else 1 end as treatment,
        campaign.sent_at as treated_at,
        users.signed_up_at + interval 28 day as eligible_at
    from users
    cross join campaign
    left join received on users.user_id = received.user_id
    where users.signed_up_at < campaign.sent_at
)

select * from cohort
