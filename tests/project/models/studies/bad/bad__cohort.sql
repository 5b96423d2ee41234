with units as (
  select unit_id from range(200) as units(unit_id)
),

cohort as (
  select
    unit_id,
    cast(unit_id % 40 >= 20 and {{ 'true' if var('bad_has_treated') else 'false' }} as integer) as treatment,
    timestamp '2026-03-01 00:00:00' as treated_at,
    case when unit_id % 2 = 0 then 'even' else 'odd' end as segment_parity
  from units
)

select * from cohort
