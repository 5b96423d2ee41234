{#- The names of the items of a definition's list, joined by commas; an item is a name or a mapping. -#}
{% macro item_names(items) -%}
  {%- set names = [] -%}
  {%- for item in items or [] -%}
    {%- do names.append(item if item is string else item.get('name') or item.get('feature') or item.get('check')) -%}
  {%- endfor -%}
  {{ return(names | join(', ')) }}
{%- endmacro %}
