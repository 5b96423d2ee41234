{#- Aggregate: the texts of a group in ascending order, joined without a separator. -#}
{% macro concat_sorted(text) -%}
  {{ return(adapter.dispatch('concat_sorted', 'causal')(text)) }}
{%- endmacro %}

{% macro default__concat_sorted(text) -%}
  string_agg({{ text }}, '' order by {{ text }})
{%- endmacro %}

{% macro spark__concat_sorted(text) -%}
  array_join(array_sort(collect_list({{ text }})), '')
{%- endmacro %}
