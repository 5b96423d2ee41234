{#- A date, timestamp or timestamp with time zone as microseconds since 1970 in UTC; a date is its midnight. The time
    zone of the session plays no part. -#}
{% macro micros(moment) -%}
  {{ return(adapter.dispatch('micros', 'causal')(moment)) }}
{%- endmacro %}

{% macro default__micros(moment) -%}
  epoch_us({{ moment }})
{%- endmacro %}
