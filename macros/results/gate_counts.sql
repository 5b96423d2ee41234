{#- Per study and run: how many checks ran, how many of them block, and the first of their reasons. -#}
{% macro gate_counts(checks) -%}
  select
    study_id,
    run_id,
    count(*) as n_checks,
    count(case when {{ causal.blocks_publication() }} then 1 end) as n_blocking,
    min(case when {{ causal.blocks_publication() }} then reason end) as first_reason
  from {{ checks }}
  group by study_id, run_id
{%- endmacro %}
