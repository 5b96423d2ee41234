{#- Select items for the columns of an effect but for `besides`; the figures are null unless `condition` holds. -#}
{% macro effect_items(effects, condition, besides=()) -%}
  {%- set items = [] -%}
  {%- for column in causal.effect_columns() if column not in besides -%}
    {%- do items.append(causal.withheld_unless(condition, effects ~ '.' ~ column) ~ ' as ' ~ column) -%}
  {%- endfor -%}
  {{ items | join(',\n    ') }}
{%- endmacro %}
