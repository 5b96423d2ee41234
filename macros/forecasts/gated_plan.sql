{#- The leaf of a forecast's plan: its decisions, withheld in data (null) unless every gate was passed on the same fit and the
    definition is the one that was run. One row at least, so that a plan without decisions shows its status too.
    plan, consistency: refs of the steps of those names. -#}
{% macro gated_plan(plan, consistency) -%}
{%- if not execute -%} select * from {{ plan }} cross join {{ consistency }} {%- else -%}
{%- set string = dbt.type_string() -%}
{%- set forecast_id = (plan.identifier | string)[:-6] -%}
with plans as (
  {{ causal.typed_records(plan, 'plan', {'forecast_id': string, 'run_id': string, 'definition_hash': string}) }}
),

decisions as (
  {{ causal.typed_records(plan, 'decision', causal.plan_columns()) }}
),

checks as (
  {{ causal.typed_records(plan, 'check', causal.forecast_check_columns()) }}
  union all
  {{ causal.typed_records(consistency, 'check', causal.forecast_check_columns()) }}
),

gates as (
  {{ causal.plan_gate_counts('checks') }}
),

judged as (
  select
    plans.*,
    gates.first_reason,
    {{ causal.plan_verdict(causal.text_literal(causal.forecast_hash(forecast_id))) }} as status
  from plans
  left join gates on plans.forecast_id = gates.forecast_id and plans.run_id = gates.run_id
),

shown as (
  select
    judged.forecast_id,
    judged.run_id,
    judged.status,
    {{ causal.withheld_items('decisions', causal.plan_columns(), "judged.status = 'published'") }},
    {{ causal.plan_reason('judged.status', 'judged.first_reason') }} as reason,
    judged.definition_hash
  from judged
  left join decisions on judged.forecast_id = decisions.forecast_id and judged.run_id = decisions.run_id
)

select * from shown
{%- endif -%}
{%- endmacro %}
