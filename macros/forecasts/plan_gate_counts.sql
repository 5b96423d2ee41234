{#- Per forecast and run of its fit: how many of the checks that a plan needs were made (`plan_gates`), how many checks
    block it, and the first of their reasons. -#}
{% macro plan_gate_counts(checks) -%}
  select
    forecast_id,
    run_id,
    count(distinct case when check_name in ('{{ causal.plan_gates() | join("', '") }}') then check_name end) as n_needed,
    count(case when {{ causal.blocks_publication() }} then 1 end) as n_blocking,
    min(case when {{ causal.blocks_publication() }} then check_name || ': ' || reason end) as first_reason
  from {{ checks }}
  group by forecast_id, run_id
{%- endmacro %}
