with cohort (unit_id, treatment, treated_at, eligible_at, later_treated_at) as (
  values
  (1, 'yes', timestamp '2026-03-10 00:00:00', timestamp '2026-03-10 00:00:00', null),
  (2, 'no', timestamp '2026-03-10 00:00:00', null, null),
  (3, 'yes', timestamp '2026-03-10 00:00:00', null, null),
  (3, 'yes', timestamp '2026-03-10 00:00:00', null, null),
  (4, 'no', null, null, null),
  (5, 'no', timestamp '2026-03-10 00:00:00', timestamp '2026-03-10 00:00:00.000001', null),
  (6, 'no', timestamp '2026-03-10 00:00:00', null, timestamp '2026-03-23 23:59:59'),
  (7, 'no', timestamp '2026-03-10 00:00:00', null, timestamp '2026-03-24 00:00:00'),
  (8, 'no', timestamp '2026-03-10 00:00:00', null, null),
  (8, 'yes', timestamp '2026-03-20 00:00:00', null, null),
  (9, 'no', timestamp '2026-03-10 00:00:00', null, null),
  (9, 'yes', timestamp '2026-03-10 00:00:00', null, null),
  (10, 'yes', timestamp '2026-03-28 00:00:00', null, null)
),

described as (
  select
    *,
    'north' as segment_region,
    unit_id % 2 as household,
    'someone@example.org' as email
  from cohort
)

select * from described
