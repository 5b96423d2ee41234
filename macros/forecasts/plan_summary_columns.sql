{#- Data types of the columns of a plan's summary, as the Python model gives them. -#}
{% macro plan_summary_columns() -%}
  {%- set string = dbt.type_string() -%}
  {%- set columns = {'forecast_id': string, 'run_id': string, 'definition_hash': string, 'plan_id': string, 'objective_name': string} -%}
  {%- do columns.update({'objective': 'double', 'value_on_fresh_draws': 'double', 'baseline_name': string, 'baseline_value': 'double'}) -%}
  {%- do columns.update({'certificate_kind': string, 'certificate_why': string, 'gap': 'double'}) -%}
  {%- do columns.update({'max_violation': 'double', 'outside_share': 'double', 'n_decisions': 'bigint', 'solver': string, 'iterations': 'bigint'}) -%}
  {{ return(columns) }}
{%- endmacro %}
