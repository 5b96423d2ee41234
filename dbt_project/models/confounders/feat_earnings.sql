with trainees as (
    select * from {{ ref('stg_trainees') }}
),

yearly as (
    select
        person_id,
        timestamp '1974-12-31' as earned_at,
        earnings_1974 as earnings
    from trainees
    union all
    select
        person_id,
        timestamp '1975-12-31' as earned_at,
        earnings_1975 as earnings
    from trainees
    union all
    select
        person_id,
        timestamp '1978-12-31' as earned_at,
        earnings_1978 as earnings
    from trainees
),

earnings as (
    select
        person_id,
        earned_at,
        earnings,
        case when earnings = 0 then 1 else 0 end as is_without_earnings
    from yearly
)

select * from earnings
