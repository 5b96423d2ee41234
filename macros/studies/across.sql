{#- The greatest (or least) of a column over the features of several source models; nulls are passed over. -#}
{% macro across(sources, column, pick) -%}
  {%- if sources | length == 1 -%} {{ sources[0] }}_features.{{ column }}
  {%- else -%} {{ pick }}({% for source in sources %}{{ source }}_features.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
  {%- endif -%}
{%- endmacro %}
