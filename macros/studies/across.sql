{#- The greatest (or least) of a column over the features of several source models; nulls are passed over. -#}
{% macro across(sources, column, pick, kind='features') -%}
  {%- if sources | length == 1 -%} {{ sources[0] }}_{{ kind }}.{{ column }}
  {%- else -%} {{ pick }}({% for source in sources %}{{ source }}_{{ kind }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
  {%- endif -%}
{%- endmacro %}
