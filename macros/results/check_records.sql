{#- The checks of one study's results, typed; columns as in the model `checks`, and `is_blocking`. -#}
{% macro check_records(results) -%}
  {%- set string = dbt.type_string() -%}
  {%- set columns = {'study_id': string, 'run_id': string, 'definition_hash': string, 'check_name': string, 'status': string, 'reason': string,
    'method': string, 'outcome': string, 'code': string, 'is_gate': 'boolean', 'is_waived': 'boolean'} -%}
  select records.*, {{ causal.blocks_publication() }} as is_blocking
  from ({{ causal.typed_records(results, 'check', columns) }}) as records
{%- endmacro %}
