{#- The types of a relation's columns by their names in lower case, for an engine whose fastest SQL depends on them; empty
    for another one, and where the relation does not stand in the warehouse (yet). -#}
{% macro column_types(relation) -%}
  {{ return(adapter.dispatch('column_types', 'causal')(relation)) }}
{%- endmacro %}

{% macro default__column_types(relation) -%}
  {%- set types = {} -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do types.update({column.name | lower: column.data_type}) -%}
  {%- endfor -%}
  {{ return(types) }}
{%- endmacro %}

{% macro spark__column_types(relation) -%}
  {{ return({}) }}
{%- endmacro %}
