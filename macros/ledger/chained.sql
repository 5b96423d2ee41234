{#- New ledger rows as the next link of the chain. rows: name of a relation with the ledger's columns but for the last four;
    ledger: the relation that holds the chain so far, or none for the first link; columns: as in `ledger_row_hash`. -#}
{% macro chained(rows, ledger, columns=none) -%}
  select
    hashed.*,
    latest.link + 1 as link,
    latest.chain as previous_chain,
    md5(latest.chain || fresh.link_hash) as chain
  from (select new_rows.*, {{ causal.ledger_row_hash(columns) }} as row_hash from {{ rows }} as new_rows) as hashed
  cross join (
    select md5({{ causal.concat_sorted('row_hash') }}) as link_hash
    from (select {{ causal.ledger_row_hash(columns) }} as row_hash from {{ rows }}) as row_hashes
  ) as fresh
  cross join (
    {%- if ledger is none %}
    select cast(0 as bigint) as link, cast('' as {{ dbt.type_string() }}) as chain
    {%- else %}
    select coalesce(max(link), 0) as link, coalesce(max(chain), '') as chain
    from {{ ledger }}
    where link = (select max(link) from {{ ledger }})
    {%- endif %}
  ) as latest
{%- endmacro %}
