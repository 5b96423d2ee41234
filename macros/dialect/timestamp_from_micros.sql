{#- Microseconds since 1970 as a timestamp in UTC: the inverse of `micros`. -#}
{% macro timestamp_from_micros(micros) -%}
  {{ return(adapter.dispatch('timestamp_from_micros', 'causal')(micros)) }}
{%- endmacro %}

{% macro default__timestamp_from_micros(micros) -%}
  make_timestamp({{ micros }})
{%- endmacro %}

{% macro spark__timestamp_from_micros(micros) -%}
  timestamp_micros({{ micros }})
{%- endmacro %}
