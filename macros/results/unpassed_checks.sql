{#- The checks of a leaf's study whose name begins with `prefix`, or is one of `others`, and that neither passed nor warned;
    one row, too, when no such check ran. A waiver counts only where a check could not be evaluated. -#}
{% macro unpassed_checks(leaf, prefix, others=()) -%}
{%- if execute -%}
with checks as (
  select * from ({{ causal.check_records(causal.results_of(leaf)) }}) as records
  where substr(check_name, 1, {{ prefix | length }}) = '{{ prefix }}'
    {{- " or check_name in ('" ~ others | join("', '") ~ "')" if others }}
),

unpassed as (
  select check_name, method, outcome, status, reason
  from checks
  where coalesce(status, 'fail') not in ('pass', 'warn')
    and not (status = 'not_evaluated' and coalesce(is_waived, false))
  union all
  select '{{ prefix }}', null, null, 'not_evaluated', 'no such check ran'
  where not exists (select 1 from checks)
)

select * from unpassed
{%- else -%} select 1 as check_name {%- endif -%}
{%- endmacro %}
