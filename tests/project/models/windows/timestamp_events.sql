select 'a name' as case_name, timestamp '2026-01-01 00:00:00' as event_at, timestamp '2026-01-01 00:00:00' as treated_at
where false
