-- One row per kind of rider and day of 2011. The last four weeks are forecast: of them the calendar is known, not the
-- weather.
with bike_days as (
    select * from {{ ref('bike_days') }}
),

riders as (
    select
        'casual' as rider,
        rented_on as day,
        casual as rentals,
        temperature / 10 as warmth,
        wet_share as wetness,
        is_working_day
    from bike_days
    union all
    select
        'registered' as rider,
        rented_on as day,
        registered as rentals,
        temperature / 10 as warmth,
        wet_share as wetness,
        is_working_day
    from bike_days
),

history as (
    select
        rider,
        day,
        case when day < timestamp '2011-12-04' then cast(rentals as double) end as rentals,
        case when day < timestamp '2011-12-04' then warmth end as warmth,
        case when day < timestamp '2011-12-04' then wetness end as wetness,
        cast(is_working_day as double) as working_day
    from riders
)

select * from history
