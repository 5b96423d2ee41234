{#- Rows known at compile time as a select. rows: records; columns: name to data type (or to a column with data_type). -#}
{% macro literal_rows(rows, columns) -%}
  select
  {%- for name, type in columns.items() %}
    cast(null as {{ type if type is string else type.data_type }}) as {{ name }}{{ ',' if not loop.last }}
  {%- endfor %}
  where false
  {%- for row in rows %}
  union all
  select
  {%- for name, type in columns.items() %}
    cast({{ causal.text_literal(row.get(name)) }} as {{ type if type is string else type.data_type }}){{ ',' if not loop.last }}
  {%- endfor %}
  {%- endfor %}
{%- endmacro %}
