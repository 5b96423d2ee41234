{#- The status of a study from the columns of its run, its checks and its current definition: not_built, stale, published
    or blocked. A study without a single check, or whose run says that it is blocked, is blocked. -#}
{% macro verdict(run_id, run_status, n_checks, n_blocking, definition_hash, current_definition_hash) -%}
  case
    when {{ run_id }} is null then 'not_built'
    when {{ current_definition_hash }} is null or {{ definition_hash }} <> {{ current_definition_hash }} then 'stale'
    when {{ run_status }} = 'published' and {{ n_checks }} > 0 and {{ n_blocking }} = 0 then 'published'
    else 'blocked'
  end
{%- endmacro %}
