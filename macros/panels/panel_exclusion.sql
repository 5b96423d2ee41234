{#- Why a unit is not analysed in a period, as text, or null. Rows are flagged and never dropped. -#}
{% macro panel_exclusion(study, columns) -%}
  case
    {%- if 'treatment' in columns and study.get('treatment_kind') != 'continuous' %}
    when treated_at is null and {{ causal.is_treated_unit() }} then 'no index time'
    {%- endif %}
    {%- if 'eligible_at' in columns %}
    when {{ causal.micros('eligible_at') }} > starts_micros then 'not eligible'
    {%- endif %}
    when unit_id is null then 'no unit'
  end
{%- endmacro %}
