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

links as (
  select link, min(previous_chain) as previous_chain, max(chain) as chain, md5({{ causal.concat_sorted('row_hash') }}) as link_hash,
    count(distinct chain) as n_chains, count(distinct previous_chain) as n_previous
  from ledger
  group by link
),

ordered as (
  select links.*, row_number() over (order by link) as position, coalesce(lag(chain) over (order by link), '') as chain_before
  from links
),

broken as (
  select link, 'the chain is broken at this link' as fault
  from ordered
  where link <> position or previous_chain <> chain_before or chain <> md5(previous_chain || link_hash)
    or n_chains <> 1 or n_previous <> 1
),

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
