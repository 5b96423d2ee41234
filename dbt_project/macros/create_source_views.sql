{# Spark reads sources from its metastore: a view for each file of sources.yml, unless there is one of that file already.
   A company has tables there. #}
{% macro create_source_views() %}
    {%- if execute -%}
        {%- set sources = graph.sources.values() | selectattr('package_name', 'equalto', project_name) | list -%}
        {%- set known = {} -%}
        {%- for schema in sources | map(attribute='schema') | unique -%}
            {%- do run_query('create schema if not exists ' ~ schema) -%}
            {%- for row in run_query('show table extended in ' ~ schema ~ " like '*'").rows -%}
                {%- do known.update({schema ~ '.' ~ row[1]: row[3]}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for source in sources -%}
            {%- set view = source.schema ~ '.' ~ source.identifier -%}
            {%- set path = source.config.meta.external_location | replace('{name}', source.identifier) -%}
            {%- set file = path if path.startswith('/') or '://' in path else adapter.config.project_root ~ '/' ~ path -%}
            {%- set query = 'select * from parquet.`' ~ file ~ '`' -%}
            {%- if query not in known.get(view, '') -%}
                {%- do run_query('create or replace view ' ~ view ~ ' as ' ~ query) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
