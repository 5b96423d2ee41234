{#- The studies that the installing project lists, each with the hash of its definition as it stands now. -#}
{% macro current_definitions() -%}
  {%- set rows = [] -%}
  {%- if execute -%}
    {%- for study_id in var('studies') -%}
      {%- do rows.append({'study_id': study_id, 'current_definition_hash': causal.definition_hash(study_id)}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ causal.literal_rows(rows, {'study_id': 'string', 'current_definition_hash': 'string'}) }}
{%- endmacro %}
