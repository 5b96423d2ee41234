{#- The study table of the current model as series: one row per series and period, with every outcome of its definition over
    the units of the series (their mean, or their sum as `aggregate` says), audit columns and the definition's hash. The
    cohort has one row per unit: its series_id, whether the intervention touched that series (treatment), and when
    (treated_at). One scan per source model. cohort: relation; features: relations that declare a registry. -#}
{% macro series_table(cohort, features) -%}
{%- if not execute -%} select 1 as series_id {%- else -%}
{%- set study = model.config.meta.study -%}
{%- set aggregate = study.get('aggregate') or 'mean' -%}
{%- set boundaries = causal.period_boundaries(study) -%}
{%- set span = [boundaries[0].starts_micros, boundaries[-1].ends_micros] -%}
{%- set columns = causal.period_columns(study, causal.registered_features(features)) -%}
{%- set carried = causal.cohort_columns(cohort, study, ['unit_id', 'treatment', 'treated_at']) -%}
{%- set has_eligibility = 'eligible_at' in carried -%}
{%- set sources = columns | map(attribute='feature') | map(attribute='node') | unique | list -%}
with calendar as (
  {{ causal.period_rows(boundaries) }}
),

members as (
  {{ causal.series_members(cohort, carried) }}
),

series as (
  {{ causal.series_arms() }}
),

sizes as (
  {{ causal.series_sizes(has_eligibility) }}
),

intervention as (
  {{ causal.series_intervention(span[0]) }}
),
{% for source in sources %}
{%- set own = columns | selectattr('feature.node', 'equalto', source) | list %}
{{ source }}_events as (
  {{ causal.series_events(own, causal.micros_of(study.as_of), span, has_eligibility) }}
),

{{ source }}_units as (
  select series_id, unit_id, period, {{- causal.period_aggregates(own) }}
  from {{ source }}_events
  group by series_id, unit_id, period
),

{{ source }}_series as (
  select series_id, period, {{- causal.series_aggregates(own, aggregate) }}
  from {{ source }}_units
  group by series_id, period
),
{% endfor %}
measured as (
  {{ causal.measured_series(study, columns, sources) }}
)

select * from measured
{%- endif -%}
{%- endmacro %}
