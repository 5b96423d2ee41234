{#- The code that runs a Python model and writes what it returns. dbt-spark's own would import pandas-on-Spark, guess types
    and default to Delta; ours goes through the library, which writes one typed table. -#}
{% macro python_table(relation, code) -%}
  {{ return(adapter.dispatch('python_table', 'causal')(relation, code)) }}
{%- endmacro %}

{% macro default__python_table(relation, code) -%}
  {{ create_table_as(False, relation, code, 'python') }}
{%- endmacro %}

{% macro spark__python_table(relation, code) -%}
{{ code }}

from dbt_causal.spark_tables import write_table

write_table(spark, model(dbtObj(spark.table), spark), "{{ relation }}", "{{ config.get('file_format') or 'parquet' }}")
{%- endmacro %}
