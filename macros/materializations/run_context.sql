{#- What a Python model of this package knows as `dbt.causal`: the definitions of the studies and forecasts that it
    refs, with hash and file, and the run it belongs to. -#}
{% macro run_context() -%}
  {%- set context = {'studies': {}, 'forecasts': {}, 'invocation_id': invocation_id, 'target': target.name, 'schema': target.schema, 'node': model.unique_id,
    'git_commit': env_var('CAUSAL_GIT_COMMIT', 'unknown'), 'library_version': none} -%}
  {%- for id in model.depends_on.nodes -%}
    {%- set node = graph.nodes.get(id) -%}
    {%- if id == 'model.causal.library_version' -%}
      {%- do context.update({'library_version': modules.re.search("'([^']+)'", node.raw_code).group(1)}) -%}
    {%- elif node and node.config.meta.get('study') -%}
      {%- do context.studies.update({node.name: {
        'definition': node.config.meta.study, 'definition_hash': causal.definition_hash(node.name),
        'file': (node.patch_path or node.original_file_path).split('://') | last}}) -%}
    {%- elif node and node.config.meta.get('forecast') -%}
      {%- do context.forecasts.update({node.name: {
        'definition': node.config.meta.forecast, 'definition_hash': causal.forecast_hash(node.name),
        'file': (node.patch_path or node.original_file_path).split('://') | last}}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(context) }}
{%- endmacro %}
