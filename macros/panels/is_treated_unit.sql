{#- Condition that the cohort puts a unit into the treated arm, whatever the type of its column `treatment`. -#}
{% macro is_treated_unit() -%}
  (lower(cast(treatment as {{ dbt.type_string() }})) in ('1', '1.0', 'true'))
{%- endmacro %}
