{#- Aggregate: the value of the latest row; among rows of the same moment the largest value, so that ties are settled. -#}
{% macro latest_value(value, moment) -%}
  {{ return(adapter.dispatch('latest_value', 'causal')(value, moment)) }}
{%- endmacro %}

{% macro default__latest_value(value, moment) -%}
  arg_max({{ value }}, ({{ moment }}, {{ value }}))
{%- endmacro %}

{% macro spark__latest_value(value, moment) -%}
  max_by({{ value }}, struct({{ moment }}, {{ value }}))
{%- endmacro %}
