with users as (
    select * from {{ ref('stg_users') }}
),

photos as (
    select * from {{ ref('stg_profile_photos') }}
),

prompt as (
    select timestamp '2026-03-19' as shown_at
),

cohort as (
    select
        users.user_id as unit_id,
        case when photos.uploaded_at < prompt.shown_at + interval 1 day then 1 else 0 end as treatment,
        prompt.shown_at as treated_at,
        users.signed_up_at + interval 28 day as eligible_at,
        users.platform as segment_platform
    from users
    cross join prompt
    left join photos on users.user_id = photos.user_id
    where
        users.signed_up_at < prompt.shown_at
        and (photos.uploaded_at is null or photos.uploaded_at >= prompt.shown_at)
)

select * from cohort
