{#- The md5 of what a study is: its definition (but for acknowledged_block, which is an answer to the hash), the code of its
    study table, and name, code and registry of each model that the study table reads. -#}
{% macro definition_hash(study_id) -%}
  {%- set node = causal.study_node(study_id) -%}
  {%- if node is none -%}{{ return(none) }}{%- endif -%}
  {%- set definition = dict(node.config.meta.study) -%}
  {%- do definition.pop('acknowledged_block', none) -%}
  {%- set parts = [definition, node.checksum.checksum] -%}
  {%- for id in node.depends_on.nodes | sort -%}
    {%- set parent = graph.nodes.get(id) or graph.sources.get(id) -%}
    {%- do parts.append([parent.name, (parent.get('checksum') or {}).get('checksum'), parent.config.get('meta', {}).get('registry')]) -%}
  {%- endfor -%}
  {{ return(local_md5(tojson(parts, sort_keys=true))) }}
{%- endmacro %}
