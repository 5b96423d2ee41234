{#- An ISO date or UTC timestamp of a definition (`as_of`) as microseconds since 1970, at compile time. -#}
{% macro micros_of(iso_text) -%}
  {%- set moment = modules.datetime.datetime.fromisoformat(iso_text | string) -%}
  {%- if moment.tzinfo is none -%}{%- set moment = moment.replace(tzinfo=modules.pytz.utc) -%}{%- endif -%}
  {%- set since = moment - modules.datetime.datetime(1970, 1, 1, tzinfo=modules.pytz.utc) -%}
  {{ return((since.days * 86400 + since.seconds) * 1000000 + since.microseconds) }}
{%- endmacro %}
