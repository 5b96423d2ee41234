with source as (
    select * from {{ source('marketplace', 'marketplace_calendar') }}
),

marketplace_calendar as (
    select
        week,
        is_holiday
    from source
)

select * from marketplace_calendar
