{#- Refuses to run a project whose list of forecasts (vars: forecasts) and definitions differ, or in which the leaf of a plan
    lacks one of its alarms. All faults at once. Renders nothing. -#}
{% macro guard_forecasts() -%}
{%- if execute -%}
  {%- set faults = [] -%}
  {%- set defined = [] -%}
  {%- set alarms = [] -%}
  {%- for node in graph.nodes.values() -%}
    {%- if node.resource_type == 'model' and node.package_name == project_name and node.config.meta.get('forecast') -%}
      {%- do defined.append(node.name) -%}
    {%- elif node.resource_type == 'test' and node.test_metadata and node.config.severity | upper == 'ERROR' -%}
      {%- do alarms.append((node.attached_node, node.test_metadata.name)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for forecast_id in defined | sort if forecast_id not in causal.forecast_steps() -%}
    {%- do faults.append(forecast_id ~ ' is defined but not listed: add it to vars.forecasts of dbt_project.yml') -%}
  {%- endfor -%}
  {%- for forecast_id, steps in causal.forecast_steps().items() -%}
    {%- if forecast_id not in defined -%}
      {%- do faults.append(forecast_id ~ ' is listed in vars.forecasts but no model of that name has config.meta.forecast') -%}
    {%- endif -%}
    {%- for test in causal.plan_gates() if 'plan' in steps and ('model.' ~ project_name ~ '.' ~ forecast_id ~ '__published', test) not in alarms -%}
      {%- do faults.append(forecast_id ~ '__published lacks the test causal.' ~ test ~ ' (severity error)') -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if faults -%}
    {{ exceptions.raise_compiler_error('CAUSAL-001 forecasts and their files differ\n  ' ~ faults | join('\n  ') ~ '\n  more: docs/errors.md#causal-001') }}
  {%- endif -%}
{%- endif -%}
{%- endmacro %}
