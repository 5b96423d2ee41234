{#- The first 8 hex digits of the md5 of a value's text, as an integer in [0, 2^32): the same on every engine. -#}
{% macro md5_bucket(value) -%}
  {{ return(adapter.dispatch('md5_bucket', 'causal')(value)) }}
{%- endmacro %}

{% macro default__md5_bucket(value) -%}
  cast('0x' || substr(md5(cast({{ value }} as varchar)), 1, 8) as bigint)
{%- endmacro %}

{% macro spark__md5_bucket(value) -%}
  cast(conv(substr(md5(cast({{ value }} as string)), 1, 8), 16, 10) as bigint)
{%- endmacro %}
