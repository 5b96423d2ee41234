{%- set study = {'periods': {'first_on': '2023-11-28', 'every': 'month', 'n_periods': 4}, 'as_of': '2026-01-01'} -%}
with months as (
  {{ causal.period_rows(causal.period_boundaries(study, before=1, after=1)) }}
),

named as (
  select
    period,
    cast(cast({{ causal.timestamp_from_micros('starts_micros') }} as date) as varchar) as starts_on,
    (ends_micros - starts_micros) / 86400000000 as n_days
  from months
)

select * from named
