{#- The status of a study from the columns of `runs` and `gates` and the hash of its current definition: not_built, stale,
    published or blocked. A study without a single check, or whose run says that it is blocked, is blocked. -#}
{% macro verdict(current_definition_hash) -%}
  case
    when runs.run_id is null then 'not_built'
    when {{ current_definition_hash }} is null or runs.definition_hash <> {{ current_definition_hash }} then 'stale'
    when runs.status = 'published' and gates.n_checks > 0 and gates.n_blocking = 0 then 'published'
    else 'blocked'
  end
{%- endmacro %}
