select 'a name' as case_name, timestamptz '2026-01-01 00:00:00+00' as event_at, timestamptz '2026-01-01 00:00:00+00' as treated_at
where false
