{#- Refuses a session whose time zone is not UTC where dates and timestamps would be read in it. Renders nothing. DuckDB's
    timestamps know no session. -#}
{% macro require_utc() -%}
  {%- if execute -%}{{ adapter.dispatch('require_utc', 'causal')() }}{%- endif -%}
{%- endmacro %}

{% macro default__require_utc() -%}{%- endmacro %}

{% macro spark__require_utc() -%}
  {%- set zone = run_query('select current_timezone()').rows[0][0] -%}
  {%- if zone not in ('UTC', 'Etc/UTC', 'GMT', 'Z', '+00:00') -%}
    {{ exceptions.raise_compiler_error('CAUSAL-019 time zone of the session\n  Spark reads dates and timestamps in ' ~ zone ~ ', studies are in UTC\n  fix: set spark.sql.session.timeZone: UTC in server_side_parameters of the profile\n  more: docs/errors.md#causal-019') }}
  {%- endif -%}
{%- endmacro %}
