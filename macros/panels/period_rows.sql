{#- The periods of `period_boundaries` as a select with the columns period, starts_micros and ends_micros. -#}
{% macro period_rows(boundaries) -%}
  select * from (
    values
    {%- for row in boundaries %}
    ({{ row.period }}, {{ row.starts_micros }}, {{ row.ends_micros }}){{ ',' if not loop.last }}
    {%- endfor %}
  ) as periods (period, starts_micros, ends_micros)
{%- endmacro %}
