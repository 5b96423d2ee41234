{#- On the decision log: fails when a row was edited, or when a row or a link was deleted (the chain differs, or a number is
    missing). -#}
{% test log_is_unbroken(model) %}
with log as (
  select * from {{ model }}
),

edited as (
  select link, 'a row was edited' as fault
  from log
  where row_hash <> {{ causal.ledger_row_hash(causal.decision_log_columns()) }}
),

{{ causal.broken_links('log') }},

faults as (
  select * from edited
  union all
  select * from broken
)

select * from faults
{% endtest %}
