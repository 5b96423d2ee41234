{#- The checks without which no plan is published, each of them a generic test of its leaf too. -#}
{% macro plan_gates() -%}
  {{ return(['agrees_with_experiments', 'is_feasible', 'has_certificate']) }}
{%- endmacro %}
