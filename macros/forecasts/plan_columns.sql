{#- Data types of the columns of one decision of a plan, as the Python model gives them. -#}
{% macro plan_columns() -%}
  {%- set string = dbt.type_string() -%}
  {{ return({'forecast_id': string, 'run_id': string, 'definition_hash': string, 'plan_id': string, 'lever': string,
    'cell': string, 'period': string, 'decision': 'double', 'decided_as': string, 'lower': 'double', 'upper': 'double',
    'unit': string}) }}
{%- endmacro %}
