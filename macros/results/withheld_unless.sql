{#- A column of an effect, withheld (null) unless `condition` holds if it is one of the figures. -#}
{% macro withheld_unless(condition, column) -%}
  {%- if column.split('.') | last in causal.withheld_columns() -%}
    case when {{ condition }} then {{ column }} end
  {%- else -%}
    {{ column }}
  {%- endif -%}
{%- endmacro %}
