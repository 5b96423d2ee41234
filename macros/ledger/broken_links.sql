{#- CTEs `links`, `ordered` and `broken` on a log that grows in links of a chain: the links that were edited, deleted or put
    in. log: name of a CTE or relation. -#}
{% macro broken_links(log) -%}
links as (
  select link, min(previous_chain) as previous_chain, max(chain) as chain, md5({{ causal.concat_sorted('row_hash') }}) as link_hash,
    count(distinct chain) as n_chains, count(distinct previous_chain) as n_previous
  from {{ log }}
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
)
{%- endmacro %}
