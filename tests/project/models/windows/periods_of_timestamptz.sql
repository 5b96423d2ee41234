{%- set study = {'periods': {'first_on': '2026-03-01', 'every': 'day', 'n_periods': 10}, 'as_of': '2026-11-01'} -%}
with calendar as (
  {{ causal.period_rows(causal.period_boundaries(study)) }}
),

events as (
  select * from {{ ref('timestamptz_events') }}
),

placed as (
  select
    events.case_name,
    calendar.period,
    {{ causal.treated_period(causal.micros('events.treated_at'), 'treated.period', causal.micros_of('2026-03-01')) }} as cohort,
    {{ causal.micros_after_treatment('events.event_at', causal.timestamp_from_micros(causal.index_of_period('calendar.starts_micros', causal.micros('events.treated_at'), none))) }} as micros_after_index
  from events
  left join calendar
    on {{ causal.in_period(causal.micros('events.event_at'), 'calendar.starts_micros', 'calendar.ends_micros') }}
  left join calendar as treated
    on {{ causal.in_period(causal.micros('events.treated_at'), 'treated.starts_micros', 'treated.ends_micros') }}
)

select * from placed
