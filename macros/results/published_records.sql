{#- The rows of one record of every study's results, typed, with the figures withheld (null) unless the study is published:
    in a blocked study as in one whose definition changed. columns: as in `unite`; status: the relation `study_status`. -#}
{% macro published_records(record, columns, status) -%}
with united as (
  {{ causal.unite(record, columns) }}
),

studies as (
  select * from {{ status }}
),

shown as (
  select
    {%- for name in columns %}
    {{ causal.withheld_unless("studies.status = 'published'", 'united.' ~ name) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from united
  left join studies on united.study_id = studies.study_id and united.run_id = studies.run_id
)

select * from shown
{%- endmacro %}
