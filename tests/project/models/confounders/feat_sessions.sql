with units as (
  select user_id from range(200) as units(user_id)
),

days as (
  select day from range(120) as days(day)
),

sessions as (
  select
    user_id,
    timestamptz '2026-01-01 06:00:00+00' + to_days(cast(day as integer)) as started_at,
    timestamptz '2026-01-01 07:00:00+00' + to_days(cast(day as integer)) as loaded_at,
    user_id * 1000 + day as session_id,
    cast((user_id * 7 + day * 3) % 11 as double) as minutes
  from units
  cross join days
  where (user_id + day) % 3 <> 0
)

select * from sessions
