{#- Microseconds from treatment to an event; negative before treatment. Both arguments are SQL expressions of moments. -#}
{% macro micros_after_treatment(event_at, treated_at) -%}
  ({{ causal.micros(event_at) }} - {{ causal.micros(treated_at) }})
{%- endmacro %}
