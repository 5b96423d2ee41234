{#- The rows of one record of the results of these steps of every forecast, typed. columns: name to data type, or the
    model's own contract (`model.columns`). Steps whose results are not there (yet) are passed over. -#}
{% macro unite_steps(record, columns, steps) -%}
  {{ causal.literal_rows([], columns) if columns else 'select 1 as forecast_id' }}
  {%- for forecast_id, listed in causal.forecast_steps().items() -%}
    {%- for step in listed if step in steps -%}
      {%- set results = ref(project_name, forecast_id ~ '__' ~ step) -%}
      {%- if execute and load_relation(results) is not none %}
  union all
  {{ causal.typed_records(results, record, columns) }}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
{%- endmacro %}
