{#- A study's leaf: its effects with the figures withheld in data unless every gate passes and the definition is the one
    that was run. One row at least, so that a study without effects shows its status too. `results`: the study's own. -#}
{% macro gated(results) -%}
{%- if not execute -%} select * from {{ results }} {%- else -%}
{%- set string = dbt.type_string() -%}
{%- set study_id = (results.identifier | string)[:-9] -%}
{%- set node = causal.study_node(study_id) -%}
{%- set acknowledged = node.config.meta.study.get('acknowledged_block') if node -%}
{%- set of_run = {'study_id': string, 'run_id': string, 'status': string, 'reason': string} -%}
with effects as (
  {{ causal.typed_records(results, 'effect', causal.effect_columns()) }}
),

checks as (
  {{ causal.typed_records(results, 'check', dict(of_run, is_gate='boolean', is_waived='boolean')) }}
),

runs as (
  {{ causal.typed_records(results, 'run', dict(of_run, definition_hash=string, tier=string, bias_bound='double')) }}
),

gates as (
  {{ causal.gate_counts('checks') }}
),

judged as (
  select
    runs.*,
    gates.first_reason,
    {{ causal.verdict(causal.text_literal(causal.definition_hash(study_id))) }} as verdict
  from runs
  left join gates on runs.study_id = gates.study_id and runs.run_id = gates.run_id
),

shown as (
  select
    judged.study_id,
    judged.run_id,
    judged.verdict as status,
    judged.tier,
    {{ causal.effect_items('effects', "judged.verdict = 'published'", besides=['study_id', 'run_id', 'definition_hash']) }},
    judged.bias_bound,
    {{ causal.verdict_reason('judged.verdict', 'judged.reason', 'judged.first_reason') }} as reason,
    judged.definition_hash,
    cast({{ causal.text_literal(acknowledged or none) }} as {{ string }}) as acknowledged_block
  from judged
  left join effects on judged.study_id = effects.study_id and judged.run_id = effects.run_id
)

select * from shown
{%- endif -%}
{%- endmacro %}
