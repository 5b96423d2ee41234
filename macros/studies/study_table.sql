{#- The study table of the current model: one row per row of the cohort, with every covariate, outcome and placebo of its
    definition (config.meta.study), audit columns, exclusions and the definition's hash. One scan per source model, all
    its features as conditional aggregates, keyed by unit and index time: a unit that stands twice in the cohort stays
    twice and nothing fans out. cohort: relation; features: list of relations that declare a registry. -#}
{% macro study_table(cohort, features) -%}
{%- if not execute -%} select 1 as unit_id {%- else -%}
{%- set study = model.config.meta.study -%}
{%- set columns = causal.study_columns(study, causal.registered_features(features)) -%}
{%- set carried = causal.cohort_columns(cohort, study) -%}
{%- set end_days = columns | selectattr('is_outcome') | map(attribute='end_days') | max -%}
{%- set sources = columns | map(attribute='feature') | map(attribute='node') | unique | list -%}
with cohort as (
  select * from {{ cohort }}
),

assigned as (
  select
    {{ carried | join(',\n    ') }},
    {{ causal.micros('treated_at') }} as treated_micros,
    {{ causal.md5_bucket('unit_id') }} as unit_bucket,
    {{ causal.exclusion(study, carried, end_days) }} as exclusion
  from cohort
),

index_times as (
  select distinct unit_id, treated_micros from assigned where treated_micros is not null
),
{% for source in sources %}
{%- set own = columns | selectattr('feature.node', 'equalto', source) | list %}
{{ source }}_events as (
  {{ causal.source_events(own, causal.micros_of(study.as_of)) }}
),

{{ source }}_features as (
  select
    unit_id,
    treated_micros,
    {{ causal.event_columns(own, 'micros_after') }}
  from {{ source }}_events
  group by unit_id, treated_micros
),
{% endfor %}
measured as (
  {{ causal.measured_units(carried, columns, sources, end_days) }}
)

select * from measured
{%- endif -%}
{%- endmacro %}
