{#- Condition that an event lies in the window of any outcome (or of any covariate and placebo) among the columns. -#}
{% macro any_window(columns, moment, is_outcome) -%}
  {%- set windows = [] -%}
  {%- for column in columns if column.is_outcome is not none and column.is_outcome == is_outcome -%}
    {%- set window = causal.in_window(moment, column.start_days, column.end_days) -%}
    {%- if window not in windows -%}{%- do windows.append(window) -%}{%- endif -%}
  {%- endfor -%}
  {{ windows | join(' or ') if windows else 'false' }}
{%- endmacro %}
