{#- Alarm of a study's leaf: fails while the study is blocked (or has no results), unless the block of exactly this
    definition was acknowledged in review. Shows the blocking checks on the terminal. It only sounds: what withholds the
    estimate is the leaf itself. -#}
{% test has_passed_gates(model) %}
{{ causal.log_blocking_checks(model) }}
with leaf as (
  select distinct study_id, status, reason, definition_hash, acknowledged_block from {{ model }}
),

alarms as (
  select study_id, status, reason, definition_hash
  from leaf
  where status <> 'published'
    and not (status = 'blocked' and coalesce(acknowledged_block, '') = definition_hash)
  union all
  select null, 'empty', 'the results hold no run', null
  where not exists (select 1 from leaf)
)

select * from alarms
{% endtest %}
