{#- The rows of one record (`effect`, `check`, ...) of every study's results, typed. columns: name to data type, or the
    model's own contract (`model.columns`); keys of the payload, but for study_id, run_id and definition_hash. Studies
    whose results are not there (yet) are passed over. -#}
{% macro unite(record, columns) -%}
  {{ causal.literal_rows([], columns) if columns else 'select 1 as study_id' }}
  {%- for study_id in var('studies') -%}
    {%- set results = ref(project_name, study_id ~ '__results') -%}
    {%- if execute and load_relation(results) is not none %}
  union all
  {{ causal.typed_records(results, record, columns) }}
    {%- endif -%}
  {%- endfor -%}
{%- endmacro %}
