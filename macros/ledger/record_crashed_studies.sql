{#- on-run-end: writes the studies and forecasts whose nodes crashed in this run into the ledger, as the next link of its chain. One
    statement, or nothing when no study crashed or there is no ledger yet. The engine's message is not kept: it may quote
    data. results: dbt's own list. -#}
{% macro record_crashed_studies(results) -%}
{%- if execute and flags.WHICH in ('build', 'run') -%}
  {%- set crashed = [] -%}
  {%- for result in results if result.status | string == 'error' -%}
    {%- for study_id in var('studies') if result.node.name in (study_id, study_id ~ '__cohort', study_id ~ '__results') -%}
      {%- do crashed.append(causal.crash_record(study_id, causal.definition_hash(study_id), result)) -%}
    {%- endfor -%}
    {%- for forecast_id, steps in causal.forecast_steps().items() if result.node.name.startswith(forecast_id ~ '__') and result.node.name[(forecast_id | length) + 2:] in steps -%}
      {%- do crashed.append(causal.crash_record(forecast_id, causal.forecast_hash(forecast_id), result)) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set node = graph.nodes.get('model.causal.ledger') -%}
  {%- set ledger = adapter.get_relation(node.database, node.schema, node.alias) if node and crashed -%}
  {%- if ledger -%}
insert into {{ ledger }} ({{ (causal.ledger_columns() + ['payload', 'row_hash', 'link', 'previous_chain', 'chain']) | join(', ') }})
with crashed as (
  {{ causal.crash_rows(crashed) }}
),

next_link as (
  {{ causal.chained('crashed', ledger) }}
)

select /*+ coalesce(1) */ {{ (causal.ledger_columns() + ['payload', 'row_hash', 'link', 'previous_chain', 'chain']) | join(', ') }}
from next_link
  {%- endif -%}
{%- endif -%}
{%- endmacro %}
