{#- Aggregate: the value of the latest row; among rows of the same moment the largest value, so that ties are settled.
    order: name of the value's `order_number`, where it has one. -#}
{% macro latest_value(value, moment, order=none) -%}
  {{ return(adapter.dispatch('latest_value', 'causal')(value, moment, order)) }}
{%- endmacro %}

{#- DuckDB compares pairs as blobs; one number of 128 bits, the moment above and the order below, is faster. -#}
{% macro default__latest_value(value, moment, order) -%}
  {%- if order is none -%} arg_max({{ value }}, ({{ moment }}, {{ value }}))
  {%- else -%} arg_max({{ value }}, cast({{ moment }} as hugeint) * 18446744073709551616 + {{ order }})
  {%- endif -%}
{%- endmacro %}

{% macro spark__latest_value(value, moment, order) -%}
  max_by({{ value }}, struct({{ moment }}, {{ value }}))
{%- endmacro %}
