{#- The first period under treatment: the one that holds the treatment (`period`, null when none does), or period 1 for a unit
    that was treated before the panel begins. Null for a unit that is not treated in the panel. -#}
{% macro treated_period(treated_micros, period, first_micros) -%}
  case when {{ treated_micros }} < {{ first_micros }} then 1 else {{ period }} end
{%- endmacro %}
