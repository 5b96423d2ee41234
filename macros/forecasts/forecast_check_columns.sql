{#- Data types of the columns of a check of a forecast. -#}
{% macro forecast_check_columns() -%}
  {%- set string = dbt.type_string() -%}
  {{ return({'forecast_id': string, 'run_id': string, 'definition_hash': string, 'step': string, 'check_name': string,
    'status': string, 'reason': string, 'is_gate': dbt.type_boolean(), 'is_waived': dbt.type_boolean(),
    'statistic': 'double', 'threshold': 'double', 'code': string}) }}
{%- endmacro %}
