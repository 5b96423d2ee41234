with cohort (unit_id, series_id, treatment, treated_at, eligible_at) as (
  values
  (1, 'north', 1, timestamp '2024-03-15 12:00:00', null),
  (2, 'north', 1, timestamp '2024-03-15 12:00:00', null),
  (3, 'south', 0, null, null),
  (5, 'south', 0, null, timestamp '2024-02-15 00:00:00'),
  (7, 'south', 0, null, null),
  (7, 'south', 0, null, null),
  (8, 'empty', 0, null, timestamp '2024-04-01 00:00:00'),
  (9, 'mixed', 0, null, null),
  (10, 'mixed', 1, timestamp '2024-03-15 12:00:00', null)
)

select * from cohort
