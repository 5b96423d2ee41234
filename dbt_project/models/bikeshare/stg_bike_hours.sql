-- The file counts days from 1 January 2011 and hours within them; `temp` and `hum` are shares of 41 degrees and of
-- 100 %.
with source as (
    select * from {{ source('published_research', 'bike_hours') }}
),

bike_hours as (
    select
        {{ dbt.dateadd('day', 'cast(day - 1 as integer)', "timestamp '2011-01-01'") }} as rented_on,
        hr as hour_of_day,
        casual,
        registered,
        41 * temp as temperature,
        100 * hum as humidity,
        cast(case when weathersit in ('light rain/snow', 'heavy rain/snow') then 1 else 0 end as double) as is_wet,
        workingday as is_working_day
    from source
)

select * from bike_hours
