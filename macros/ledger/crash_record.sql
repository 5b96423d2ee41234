{#- What the ledger keeps of a node that crashed: which one, under which definition, and the code of the fault if it has one. -#}
{% macro crash_record(study_id, definition_hash, result) -%}
  {%- set codes = modules.re.findall('CAUSAL-[0-9]{3}', result.message | string) -%}
  {{ return({
    'study_id': study_id, 'run_id': invocation_id, 'definition_hash': definition_hash,
    'payload': tojson({'node': result.node.name, 'code': codes[0] if codes else none}, sort_keys=true)
  }) }}
{%- endmacro %}
