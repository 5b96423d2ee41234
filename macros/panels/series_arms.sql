{#- One row per series: whether the intervention touched it (the largest and the least of its units' arms), and when. -#}
{% macro series_arms() -%}
  select
    series_id,
    max(treatment) as treatment,
    min(treatment) as least_treatment,
    min(case when treatment = 1 then treated_at end) as treated_at
  from members
  group by series_id
{%- endmacro %}
