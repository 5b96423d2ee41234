{#- A whole number of 64 bits in the order of the values, so that an engine can compare it together with a moment; none for
    types without one (texts, dates, numbers of more than 15 digits), and for an engine that compares pairs as fast.
    type: of the column, as the engine writes it; none when nobody knows. -#}
{% macro order_number(value, type) -%}
  {{ return(adapter.dispatch('order_number', 'causal')(value, type)) }}
{%- endmacro %}

{#- The bits of a double are in its order already, but for those of negative numbers, which run backwards, and of a NaN with a
    sign, which is the largest value as any NaN is (0/0 has a sign on usual processors). -#}
{% macro default__order_number(value, type) -%}
  {%- set name = (type or '') | upper -%}
  {%- set digits = modules.re.fullmatch('DECIMAL\\((\\d+),.*\\)', name) -%}
  {%- set number = none -%}
  {%- if name in ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'BOOLEAN') -%}
    {%- set number = 'cast(' ~ value ~ ' as bigint)' -%}
  {%- elif name in ('FLOAT', 'DOUBLE') or (digits and digits.group(1) | int <= 15) -%}
    {%- set bits = 'cast(cast(cast(' ~ value ~ ' as double) as bit) as bigint)' -%}
    {%- set forwards = 'xor(' ~ bits ~ ', (' ~ bits ~ ' >> 63) & 9223372036854775807)' -%}
    {%- set number = 'case when ' ~ bits ~ ' between -4503599627370495 and -1 then 9223372036854775807 else ' ~ forwards ~ ' end' -%}
  {%- endif -%}
  {{ return(number) }}
{%- endmacro %}

{% macro spark__order_number(value, type) -%}
  {{ return(none) }}
{%- endmacro %}
