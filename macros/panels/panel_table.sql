{#- The study table of the current model as a panel: one row per row of the cohort and period, with every covariate and
    outcome of its definition (config.meta.study), audit columns, exclusions and the definition's hash. The cohort names
    when each unit was treated (treated_at, null for never). One scan per source model, keyed by unit, period and index, so
    that nothing fans out. cohort: relation; features: list of relations that declare a registry. -#}
{% macro panel_table(cohort, features) -%}
{%- if not execute -%} select 1 as unit_id {%- else -%}
{%- set study = model.config.meta.study -%}
{%- set anticipation = study.get('anticipation_periods', 0) -%}
{%- set boundaries = causal.period_boundaries(study, before=anticipation, after=anticipation) -%}
{%- set span = [boundaries[anticipation].starts_micros, boundaries[anticipation + study.periods.n_periods - 1].ends_micros] -%}
{%- set columns = causal.period_columns(study, causal.registered_features(features)) -%}
{%- set doses = ['treatment'] if study.get('treatment_kind') == 'continuous' else [] -%}
{%- set carried = causal.cohort_columns(cohort, study, ['unit_id', 'treated_at'] + doses) -%}
{%- set sources = columns | map(attribute='feature') | map(attribute='node') | unique | list -%}
with calendar as (
  {{ causal.period_rows(boundaries) }}
),

assigned as (
  {{ causal.panel_units(cohort, study, carried) }}
),

placed as (
  {{ causal.placed_units(span[0]) }}
),

unit_periods as (
  {{ causal.unit_periods(study.periods.n_periods, anticipation) }}
),

flagged as (
  select *, {{ causal.panel_exclusion(study, carried) }} as exclusion from unit_periods
),

index_times as (
  select distinct unit_id, period, starts_micros, ends_micros, index_micros from unit_periods
),
{% for source in sources %}
{%- set own = columns | selectattr('feature.node', 'equalto', source) | list %}
{{ source }}_events as (
  {{ causal.panel_events(own, causal.micros_of(study.as_of), span) }}
),

{{ source }}_features as (
  select unit_id, period, index_micros, {{- causal.period_aggregates(own) }}
  from {{ source }}_events
  group by unit_id, period, index_micros
),
{% endfor %}
measured as (
  {{ causal.measured_periods(study, carried, columns, sources) }}
)

select * from measured
{%- endif -%}
{%- endmacro %}
