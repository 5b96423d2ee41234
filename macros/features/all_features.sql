{#- Every feature that any model of the graph declares, as records for `dim_features`, in the order of their names. -#}
{% macro all_features() -%}
  {%- set features = [] -%}
  {%- for node in graph.nodes.values() | sort(attribute='unique_id') if node.config.get('meta', {}).get('registry') -%}
    {%- set registry = node.config.meta.registry -%}
    {%- for feature in registry.get('features') or [] -%}
      {%- do features.append({
        'feature_name': feature.name, 'label': feature.get('label'), 'model_name': node.name,
        'column_name': feature.get('column'), 'aggregation': feature.aggregation, 'window_days': feature.get('window_days'),
        'description': feature.get('description'), 'unit_id_column': registry.get('unit_id', 'unit_id'),
        'event_at_column': registry.get('event_at'), 'recorded_at_column': registry.get('recorded_at')}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(features | sort(attribute='model_name') | sort(attribute='feature_name')) }}
{%- endmacro %}
