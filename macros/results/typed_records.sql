{#- The rows of one record of one study's results (or of one step of a forecast) as typed columns. Arguments as in `unite`. -#}
{% macro typed_records(results, record, columns) -%}
  select
  {%- for name, type in columns.items() %}
    {%- set text = name if name in ('study_id', 'forecast_id', 'run_id', 'definition_hash') else causal.json_text('payload', name) %}
    cast({{ text }} as {{ type if type is string else type.data_type }}) as {{ name }}{{ ',' if not loop.last }}
  {%- endfor %}
  from {{ results }}
  where record = '{{ record }}'
{%- endmacro %}
