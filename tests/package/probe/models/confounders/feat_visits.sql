with visits (unit_id, happened_at, recorded_at, shop, spend) as (
  values
  -- unit 1 is treated at 2026-03-10 00:00
  (1, timestamp '2026-03-03 00:00:00', timestamp '2026-03-03 00:00:00', 'a', 2.0),
  (1, timestamp '2026-03-05 12:00:00', timestamp '2026-03-05 12:00:00', 'a', null),
  (1, timestamp '2026-03-09 23:59:59.999999', timestamp '2026-03-10 00:00:00', 'b', 5.0),
  (1, timestamp '2026-02-20 00:00:00', timestamp '2026-02-20 00:00:00', 'c', 100.0),
  (1, timestamp '2025-01-01 00:00:00', timestamp '2025-01-01 00:00:00', 'd', 1.0),
  (1, timestamp '2026-03-10 00:00:00', timestamp '2026-03-10 00:00:00', 'a', 11.0),
  (1, timestamp '2026-03-17 00:00:00', timestamp '2026-03-17 00:00:00', 'a', 13.0),
  (1, timestamp '2026-03-24 00:00:00', timestamp '2026-03-24 00:00:00', 'a', 1000.0),
  (3, timestamp '2026-03-09 00:00:00', timestamp '2026-03-09 00:00:00', 'a', 1.0),
  -- unit 8 stands in the cohort at 2026-03-10 and at 2026-03-20
  (8, timestamp '2026-03-14 00:00:00', timestamp '2026-03-14 00:00:00', 'a', 1.0),
  (8, timestamp '2026-03-15 00:00:00', timestamp '2026-03-15 00:00:00', 'a', 1.0),
  -- unit 10 is treated at 2026-03-28, as_of is 2026-04-01
  (10, timestamp '2026-03-29 00:00:00', timestamp '2026-03-29 00:00:00', 'a', 1.0),
  (10, timestamp '2026-03-30 00:00:00', timestamp '2026-04-01 00:00:00', 'a', 500.0),
  (10, timestamp '2026-04-01 00:00:00', timestamp '2026-04-01 00:00:00', 'a', 1000.0)
)

select * from visits
