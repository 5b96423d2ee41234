{#- The status of a plan from the columns of `plans` (its run) and `gates`, and the hash of its current definition: not_built,
    stale, published or withheld. Only a plan whose every gate was judged on the same fit is published. -#}
{% macro plan_verdict(current_definition_hash) -%}
  case
    when plans.run_id is null then 'not_built'
    when {{ current_definition_hash }} is null or plans.definition_hash <> {{ current_definition_hash }} then 'stale'
    when gates.n_needed = {{ causal.plan_gates() | length }} and gates.n_blocking = 0 then 'published'
    else 'withheld'
  end
{%- endmacro %}
