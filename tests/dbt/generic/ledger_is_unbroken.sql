{#- On the ledger: fails when a row was edited (its hash or its payload's hash differs), when a row or a link was deleted
    (the chain differs, or a number is missing), or when a run that the tables show is not in it. -#}
{% test ledger_is_unbroken(model, runs=none) %}
with ledger as (
  select * from {{ model }}
),

edited as (
  select link, 'a row was edited' as fault
  from ledger
  where row_hash <> {{ causal.ledger_row_hash() }} or payload_hash <> md5(payload)
),

{{ causal.broken_links('ledger') }},

{% if runs is not none %}
missing as (
  select cast(null as bigint) as link, 'a run is missing' as fault
  from {{ runs }} as runs
  where not exists (select 1 from ledger where ledger.study_id = runs.study_id and ledger.run_id = runs.run_id)
),
{% endif %}

faults as (
  select * from edited
  union all
  select * from broken
  {% if runs is not none %}
  union all
  select * from missing
  {% endif %}
)

select * from faults
{% endtest %}
