{#- Condition that a unit was eligible by its index time; a unit without a time of eligibility always was. -#}
{% macro is_eligible(eligible_at, treated_at) -%}
  ({{ eligible_at }} is null or {{ causal.micros_after_treatment(eligible_at, treated_at) }} <= 0)
{%- endmacro %}
