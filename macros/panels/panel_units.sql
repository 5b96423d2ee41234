{#- The units of a panel: what is carried of the cohort, and when each was treated. Where the cohort has a 0/1 treatment, a
    unit that it calls untreated was never treated, whatever its treated_at. -#}
{% macro panel_units(cohort, study, carried) -%}
  {%- set has_arms = 'treatment' in carried and study.get('treatment_kind') != 'continuous' -%}
  {%- set treated_at = 'case when ' ~ causal.is_treated_unit() ~ ' then treated_at end' if has_arms else 'treated_at' -%}
  select
    {%- for column in carried if column != 'treated_at' %}
    {{ column }},
    {%- endfor %}
    {{ treated_at }} as treated_at,
    {{ causal.micros(treated_at) }} as treated_micros,
    {{ causal.md5_bucket('unit_id') }} as unit_bucket
  from {{ cohort }}
{%- endmacro %}
