select 'a name' as case_name, date '2026-01-01' as event_at, date '2026-01-01' as treated_at
where false
