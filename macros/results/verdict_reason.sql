{#- Why a study's estimate is withheld, in words; null for a published one. `first_reason`: of its blocking checks. -#}
{% macro verdict_reason(status, run_reason, first_reason) -%}
  case {{ status }}
    when 'not_built' then 'no results yet'
    when 'stale' then 'the definition changed after this run'
    when 'blocked' then coalesce(nullif({{ run_reason }}, ''), {{ first_reason }}, 'no check was run')
  end
{%- endmacro %}
