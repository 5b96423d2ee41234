-- One row per day. Hours that the file lacks (76 of 8,760) had no rental or no record; sums take them as nothing.
with bike_hours as (
    select * from {{ ref('stg_bike_hours') }}
),

bike_days as (
    select
        rented_on,
        sum(casual) as casual,
        sum(registered) as registered,
        avg(temperature) as temperature,
        avg(humidity) as humidity,
        avg(is_wet) as wet_share,
        max(is_working_day) as is_working_day
    from bike_hours
    group by rented_on
)

select * from bike_days
