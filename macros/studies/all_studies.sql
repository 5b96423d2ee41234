{#- Every listed study with what its definition says, as records for `dim_studies`. -#}
{% macro all_studies() -%}
  {%- set studies = [] -%}
  {%- for study_id in var('studies') -%}
    {%- set node = causal.study_node(study_id) -%}
    {%- if node -%}
      {%- set study = node.config.meta.study -%}
      {%- do studies.append({
        'study_id': study_id, 'description': node.description, 'question': study.get('question'), 'owner': study.get('owner'),
        'design': study.get('design'), 'estimand': study.get('estimand'), 'control_index': study.get('control_index'),
        'as_of': study.get('as_of'), 'methods': causal.item_names(study.get('methods')),
        'confounders': causal.item_names(study.get('confounders')), 'outcomes': causal.item_names(study.get('outcomes')),
        'waivers': causal.item_names(study.get('waivers')), 'acknowledged_block': study.get('acknowledged_block'),
        'definition_file': (node.patch_path or node.original_file_path).split('://') | last,
        'definition_hash': causal.definition_hash(study_id)}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(studies) }}
{%- endmacro %}
