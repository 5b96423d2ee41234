{#- Refuses to run a project whose list of studies (vars: studies) and definitions differ, or in which a study's leaf lacks
    its alarm, the error-severity test has_passed_gates. All faults at once. Renders nothing. -#}
{% macro guard() -%}
{%- if execute -%}
  {%- set faults = [] -%}
  {%- set defined = [] -%}
  {%- set alarmed = [] -%}
  {%- for node in graph.nodes.values() -%}
    {%- if node.resource_type == 'model' and node.package_name == project_name and node.config.meta.get('study') -%}
      {%- do defined.append(node.name) -%}
    {%- elif node.resource_type == 'test' and node.test_metadata and node.test_metadata.name == 'has_passed_gates' and node.config.severity | upper == 'ERROR' -%}
      {%- do alarmed.append(node.attached_node) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for study_id in defined | sort if study_id not in var('studies') -%}
    {%- do faults.append(study_id ~ ' is defined but not listed: add it to vars.studies of dbt_project.yml') -%}
  {%- endfor -%}
  {%- for study_id in var('studies') -%}
    {%- if study_id not in defined -%}
      {%- do faults.append(study_id ~ ' is listed in vars.studies but no model of that name has config.meta.study') -%}
    {%- elif 'model.' ~ project_name ~ '.' ~ study_id ~ '__published' not in alarmed -%}
      {%- do faults.append(study_id ~ '__published lacks the test causal.has_passed_gates (severity error)') -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if faults -%}
    {{ exceptions.raise_compiler_error('CAUSAL-001 studies and their files differ\n  ' ~ faults | join('\n  ') ~ '\n  more: docs/errors.md#causal-001') }}
  {%- endif -%}
{%- endif -%}
{%- endmacro %}
