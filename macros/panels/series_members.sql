{#- The units of each series, once each: an arm of 1 or 0, the micros of treatment, and of eligibility where there is one.
    Without a column series_id every unit is a series of its own. -#}
{% macro series_members(cohort, carried) -%}
  select distinct
    unit_id,
    {{ 'series_id' if 'series_id' in carried else 'unit_id' }} as series_id,
    case when {{ causal.is_treated_unit() }} then 1 else 0 end as treatment,
    treated_at,
    {%- if 'eligible_at' in carried %}
    coalesce({{ causal.micros('eligible_at') }}, -9000000000000000000) as eligible_micros,
    {%- endif %}
    {{ causal.micros('treated_at') }} as treated_micros
  from {{ cohort }}
{%- endmacro %}
