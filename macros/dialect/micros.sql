{#- A date, timestamp or timestamp with time zone as microseconds since 1970 in UTC; a date is its midnight. The time
    zone of the session plays no part. -#}
{% macro micros(moment) -%}
  {{ return(adapter.dispatch('micros', 'causal')(moment)) }}
{%- endmacro %}

{% macro default__micros(moment) -%}
  epoch_us({{ moment }})
{%- endmacro %}

{#- Spark has two kinds of timestamps: with a time zone (an instant), and without (read here as UTC, as DuckDB does). -#}
{% macro spark__micros(moment) -%}
  (case when typeof({{ moment }}) = 'timestamp' then unix_micros(cast({{ moment }} as timestamp))
    else timestampdiff(microsecond, timestamp_ntz'1970-01-01', cast({{ moment }} as timestamp_ntz)) end)
{%- endmacro %}
