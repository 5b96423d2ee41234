{{
  config(
    materialized='incremental',
    full_refresh=false,
    on_schema_change='append_new_columns',
    incremental_strategy='append'
  )
}}

with published as (
  select
    forecast_id,
    run_id
  from {{ ref('plan_status') }}
  where status = 'published'
),

entries as (
  {{ causal.unite_steps('logged', causal.logged_columns(), ['plan', 'regret']) }}
),

fresh as (
  select
    entries.{{ causal.decision_log_columns() | join(',\n    entries.') }}
  from entries
  inner join published on entries.forecast_id = published.forecast_id and entries.run_id = published.run_id
  {% if is_incremental() %}
  where not exists (
    select 1 from {{ this }} as logged
    where
      logged.forecast_id = entries.forecast_id
      and logged.plan_id = entries.plan_id
      and logged.record = entries.record
      and logged.lever = entries.lever
      and logged.cell = entries.cell
      and logged.value = entries.value
  )
  {% endif %}
),

next_link as (
  {{ causal.chained('fresh', this if is_incremental() else none, causal.decision_log_columns()) }}
)

-- on Spark one file: a link is there as a whole or not at all, whatever is killed
select /*+ coalesce(1) */ * from next_link
