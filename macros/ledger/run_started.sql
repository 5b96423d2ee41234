{#- The moment when this dbt run began, as a timestamp in UTC. -#}
{% macro run_started() -%}
  cast('{{ run_started_at.astimezone(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
{%- endmacro %}
