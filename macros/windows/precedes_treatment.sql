{#- Condition that a moment lies strictly before treatment, in UTC. -#}
{% macro precedes_treatment(moment, treated_at) -%}
  {{ causal.micros_after_treatment(moment, treated_at) }} < 0
{%- endmacro %}
