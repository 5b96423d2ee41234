{#- The features that a study's own feature models declare under config.meta.registry: a list of records with the keys
    relation, node, name, label, column, type (of the column, where the SQL depends on it), aggregation, window_days, unit_id,
    event_at, recorded_at. -#}
{% macro registered_features(relations) -%}
  {%- set found = [] -%}
  {%- for relation in relations -%}
    {%- set node = causal.node_of(relation) -%}
    {%- set registry = node.config.meta.get('registry') or {} -%}
    {%- set has_last = (registry.get('features') or []) | selectattr('aggregation', 'equalto', 'last') | list -%}
    {%- set types = causal.column_types(relation) if has_last else {} -%}
    {%- for feature in registry.get('features') or [] -%}
      {%- do found.append({
        'relation': relation, 'node': node.name, 'name': feature.name, 'label': feature.get('label'),
        'column': feature.get('column'), 'type': types.get(feature.get('column') | lower), 'aggregation': feature.aggregation,
        'window_days': feature.get('window_days'), 'unit_id': registry.get('unit_id', 'unit_id'),
        'event_at': registry.get('event_at'), 'recorded_at': registry.get('recorded_at')}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}
