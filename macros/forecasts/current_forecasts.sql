{#- The forecasts that the installing project lists, each with the hash of its definition as it stands now, whether it has
    a plan, and the hash under which its block was acknowledged. -#}
{% macro current_forecasts() -%}
  {%- set rows = [] -%}
  {%- if execute -%}
    {%- for forecast_id, steps in causal.forecast_steps().items() -%}
      {%- set node = causal.forecast_node(forecast_id) -%}
      {%- do rows.append({
        'forecast_id': forecast_id, 'current_definition_hash': causal.forecast_hash(forecast_id),
        'has_plan': 'plan' in steps,
        'acknowledged_block': node.config.meta.forecast.get('acknowledged_block') if node}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ causal.literal_rows(rows, {
    'forecast_id': dbt.type_string(), 'current_definition_hash': dbt.type_string(), 'has_plan': dbt.type_boolean(),
    'acknowledged_block': dbt.type_string()}) }}
{%- endmacro %}
