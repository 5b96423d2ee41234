{#- The figures of an effect that a blocked study does not show. -#}
{% macro withheld_columns() -%}
  {{ return(['estimate', 'std_error', 'ci_lower', 'ci_upper', 'p_value', 'p_value_adjusted', 'control_mean', 'diagnostics']) }}
{%- endmacro %}
