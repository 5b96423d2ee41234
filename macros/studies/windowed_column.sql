{#- Name, feature and length of window of one item of a definition, which is a feature's name or a mapping. A window that
    is not given is the feature's own; an explicit null means all history. -#}
{% macro windowed_column(prefix, item, registered) -%}
  {%- set item = {'feature': item} if item is string else item -%}
  {%- set feature = causal.feature(item.feature, registered) -%}
  {%- set name = item.get('name') or causal.column_name(item.feature) -%}
  {%- if not feature.event_at -%}
    {{ causal.refuse_window(prefix ~ name, feature.node ~ ' declares no event_at, so nobody knows whether it precedes treatment', 'declare registry.event_at of ' ~ feature.node) }}
  {%- endif -%}
  {%- set days = item.window_days if 'window_days' in item else feature.window_days -%}
  {{ return({'name': prefix ~ name, 'item': item, 'feature': feature, 'days': days}) }}
{%- endmacro %}
