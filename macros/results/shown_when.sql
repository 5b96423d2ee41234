{#- Select items for figures that may only be seen when `condition` holds, null otherwise. -#}
{% macro shown_when(condition, columns) -%}
  {%- for column in columns %}
    case when {{ condition }} then {{ column }} end as {{ column.split('.') | last }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}
