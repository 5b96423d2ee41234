with events as (
  select * from {{ ref('date_events') }}
),

flagged as (
  select
    case_name,
    {{ causal.pre_window('event_at', 'treated_at', days=1) }} as in_last_day,
    {{ causal.pre_window('event_at', 'treated_at', days=7, gap_days=1, anticipation_days=2) }} as in_week_with_gap,
    {{ causal.pre_window('event_at', 'treated_at', days=none) }} as in_history,
    {{ causal.post_window('event_at', 'treated_at', start_days=0, days=1) }} as in_first_day,
    {{ causal.post_window('event_at', 'treated_at', start_days=1, days=7) }} as in_week_after
  from events
)

select * from flagged
