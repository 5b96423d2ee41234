{#- A text as an SQL literal, escaped (adapter.quote and dbt.string_literal do not escape); none becomes null. -#}
{% macro text_literal(value) -%}
  {{ return(adapter.dispatch('text_literal', 'causal')(value)) }}
{%- endmacro %}

{% macro default__text_literal(value) -%}
  {%- if value is none -%} null {%- else -%} '{{ value | string | replace("'", "''") }}' {%- endif -%}
{%- endmacro %}

{#- A backslash escapes in Spark, and ${...} would be replaced by a setting of that name. -#}
{% macro spark__text_literal(value) -%}
  {%- if value is none -%} null
  {%- else -%} '{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") | replace("$", "\\u0024") }}'
  {%- endif -%}
{%- endmacro %}
