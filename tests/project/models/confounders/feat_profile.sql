with profiles as (
  select
    unit_id,
    date '2025-12-01' as measured_on,
    case when unit_id % 2 = 0 then 'ios' else 'android' end as platform,
    cast(20 + unit_id % 40 as double) as age
  from range(200) as units(unit_id)
)

select * from profiles
