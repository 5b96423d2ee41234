{#- Select items for the columns of a plan's results but for its identity. What a withheld plan must not show (what it
    decides, promises and is worth) is null unless `condition` holds. -#}
{% macro withheld_items(relation, columns, condition) -%}
  {%- set withheld = ['decision', 'plan_id', 'objective', 'value_on_fresh_draws', 'baseline_value', 'shadow_price', 'promised', 'delivered', 'best', 'net_value', 'perfect_information'] -%}
  {%- set items = [] -%}
  {%- for column in columns if column not in ('forecast_id', 'run_id', 'definition_hash') -%}
    {%- set value = relation ~ '.' ~ column -%}
    {%- do items.append(('case when ' ~ condition ~ ' then ' ~ value ~ ' end' if column in withheld else value) ~ ' as ' ~ column) -%}
  {%- endfor -%}
  {{ items | join(',\n    ') if items else '1 as forecast' }}
{%- endmacro %}
