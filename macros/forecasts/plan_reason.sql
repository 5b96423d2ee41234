{#- Why a plan is withheld, in words; null for a published one. -#}
{% macro plan_reason(status, first_reason) -%}
  case {{ status }}
    when 'not_built' then 'no plan was made'
    when 'stale' then 'the definition changed after this plan was made'
    when 'withheld' then coalesce({{ first_reason }}, 'not every check was made on the fit that the plan is made with')
  end
{%- endmacro %}
