select 'north' as region, timestamp '2026-01-05' as week, 10.0 as bonus, 5.0 as hours
