{#- The md5 of what a forecast is: its definition (but for acknowledged_block, which is an answer to the hash), the code of
    its history, and name and code of each model that its history and its fit read, experiments included. -#}
{% macro forecast_hash(forecast_id) -%}
  {%- set node = causal.forecast_node(forecast_id) -%}
  {%- if node is none -%}{{ return(none) }}{%- endif -%}
  {%- set definition = dict(node.config.meta.forecast) -%}
  {%- do definition.pop('acknowledged_block', none) -%}
  {%- set read = node.depends_on.nodes | list -%}
  {%- set fit = graph.nodes.get('model.' ~ project_name ~ '.' ~ forecast_id ~ '__fit') -%}
  {%- for id in (fit.depends_on.nodes if fit else []) if id not in read and id not in (node.unique_id, 'model.causal.library_version') -%}
    {%- do read.append(id) -%}
  {%- endfor -%}
  {%- set parts = [definition, node.checksum.checksum] -%}
  {%- for id in read | sort -%}
    {%- set parent = graph.nodes.get(id) or graph.sources.get(id) -%}
    {%- do parts.append([parent.name, (parent.get('checksum') or {}).get('checksum')]) -%}
  {%- endfor -%}
  {{ return(local_md5(tojson(parts, sort_keys=true))) }}
{%- endmacro %}
