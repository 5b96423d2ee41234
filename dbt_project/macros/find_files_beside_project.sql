{# The sources are files named relative to this project (data/users.parquet), so that compiled SQL is the same on every
   machine. DuckDB would look for them in the directory where dbt was started; this lets it look here as well. Spark gets
   a view for each of them. #}
{% macro find_files_beside_project() %}
    {%- if target.type == 'duckdb' -%}
        set global file_search_path = '{{ adapter.config.project_root | replace("'", "''") }}'
    {%- else -%}
        {{ create_source_views() }} select 1
    {%- endif -%}
{% endmacro %}
