{#- Every listed forecast with what its definition says, as records for `dim_forecasts`. -#}
{% macro all_forecasts() -%}
  {%- set forecasts = [] -%}
  {%- for forecast_id, steps in causal.forecast_steps().items() -%}
    {%- set node = causal.forecast_node(forecast_id) -%}
    {%- if node -%}
      {%- do forecasts.append({
        'forecast_id': forecast_id, 'description': node.description, 'owner': node.config.meta.forecast.get('owner'),
        'steps': steps | join(', '), 'definition': tojson(node.config.meta.forecast, sort_keys=true),
        'definition_file': (node.patch_path or node.original_file_path).split('://') | last,
        'definition_hash': causal.forecast_hash(forecast_id)}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(forecasts) }}
{%- endmacro %}
