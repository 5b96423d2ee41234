{#- The column suffix of a feature: its name, or its label written as an identifier, exactly as estimators.study does. -#}
{% macro column_name(wanted) -%}
  {%- if modules.re.fullmatch('[a-z][a-z0-9_]{0,62}', wanted) -%}{{ return(wanted) }}{%- endif -%}
  {%- set words = modules.re.sub('[^a-z0-9]+', ' ', wanted | lower).split() -%}
  {%- set name = (words | join('_'))[:60] -%}
  {{ return(name if modules.re.match('[a-z]', name) else 'f_' ~ name) }}
{%- endmacro %}
