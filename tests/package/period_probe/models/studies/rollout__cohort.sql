with cohort (unit_id, treatment, treated_at, eligible_at) as (
  values
  (1, 1, timestamp '2024-03-15 12:00:00', null),
  (2, 0, null, null),
  (3, 1, timestamp '2024-01-10 00:00:00', null),
  (4, 1, timestamp '2024-05-10 00:00:00', null),
  (5, 0, null, timestamp '2024-02-15 00:00:00'),
  (6, 1, null, null),
  (7, 0, null, null),
  (7, 0, null, null),
  (8, 1, timestamp '2024-03-01 00:00:00', null)
)

select
  *,
  'someone@example.org' as email,
  0.5 as weight
from cohort
