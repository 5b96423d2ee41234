{#- The columns of a row as one JSON text, keys in the given order. -#}
{% macro json_record(columns) -%}
  {{ return(adapter.dispatch('json_record', 'causal')(columns)) }}
{%- endmacro %}

{% macro default__json_record(columns) -%}
  cast(json_object({% for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}

{% macro spark__json_record(columns) -%}
  to_json(named_struct({% for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor %}), map('ignoreNullFields', 'false'))
{%- endmacro %}
