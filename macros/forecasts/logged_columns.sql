{#- Data types of an entry of the decision log, as the Python models give it. -#}
{% macro logged_columns() -%}
  {%- set columns = {'run_id': dbt.type_string()} -%}
  {%- for name in causal.decision_log_columns() -%}{%- do columns.update({name: dbt.type_string()}) -%}{%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}
