{#- Condition that an event lies in the window of any outcome (or of any covariate and placebo) among the columns. A window
    that lies within another one is left out: it is evaluated once per event. -#}
{% macro any_window(columns, moment, is_outcome) -%}
  {%- set asked = columns | selectattr('is_outcome', 'equalto', is_outcome) | list -%}
  {%- set windows = [] -%}
  {%- for column in asked -%}
    {%- set wider = [] -%}
    {%- for other in asked if (other.start_days, other.end_days) != (column.start_days, column.end_days) -%}
      {%- set begins = other.start_days is none or (column.start_days is not none and other.start_days <= column.start_days) -%}
      {%- if begins and other.end_days >= column.end_days -%}{%- do wider.append(other.name) -%}{%- endif -%}
    {%- endfor -%}
    {%- set window = causal.in_window(moment, column.start_days, column.end_days) -%}
    {%- if not wider and window not in windows -%}{%- do windows.append(window) -%}{%- endif -%}
  {%- endfor -%}
  {{ windows | join(' or ') if windows else 'false' }}
{%- endmacro %}
