{#- Condition that a control was itself treated before its last outcome window ended, `end_days` after its index time. -#}
{% macro is_treated_by(later_treated_at, treated_at, end_days) -%}
  ({{ causal.micros_after_treatment(later_treated_at, treated_at) }} < {{ end_days * 86400000000 }})
{%- endmacro %}
