{#- The checks of this name of a leaf's forecast that neither passed nor warned; one row, too, when no such check was made.
    leaf: the relation of `<forecast>__published`, which refs the steps that hold the checks. -#}
{% macro unpassed_forecast_checks(leaf, check_name) -%}
{%- if execute -%}
with checks as (
  {%- for results in causal.steps_of(leaf) %}
  {{ 'union all' if not loop.first }}
  {{ causal.typed_records(results, 'check', causal.forecast_check_columns()) }}
  {%- endfor %}
),

unpassed as (
  select forecast_id, status, reason
  from checks
  where check_name = '{{ check_name }}'
    and coalesce(status, 'fail') not in ('pass', 'warn')
    and not (status = 'not_evaluated' and coalesce(is_waived, false))
  union all
  select null, 'not_evaluated', 'no check {{ check_name }} was made'
  where not exists (select 1 from checks where check_name = '{{ check_name }}')
)

select * from unpassed
{%- if causal.is_acknowledged(leaf) %}
where false
{%- endif -%}
{%- else -%} select 1 as forecast_id {%- endif -%}
{%- endmacro %}
