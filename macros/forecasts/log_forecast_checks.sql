{#- Shows on the terminal why a plan is withheld: one message per check of this name that blocks it. -#}
{% macro log_forecast_checks(leaf, check_name) -%}
  {%- if execute and flags.WHICH in ('build', 'test') and load_relation(leaf) is not none -%}
    {%- set forecast_id = (leaf.identifier | string)[:-11] -%}
    {%- for check in run_query(causal.unpassed_forecast_checks(leaf, check_name)).rows -%}
      {%- set parts = (check.reason or 'withheld').split('; ') -%}
      {%- set lines = [check_name ~ ': the plan of ' ~ forecast_id ~ ' is withheld'] -%}
      {%- for part in parts -%}{%- do lines.append('  ' ~ part) -%}{%- endfor -%}
      {%- do lines.append('  more: docs/checks.md#' ~ check_name | replace('_', '-')) -%}
      {%- do log(lines | join('\n'), info=True) -%}
      {%- do log('a reviewed `acknowledged_block: "' ~ causal.forecast_hash(forecast_id) ~ '"` in the definition of ' ~ forecast_id ~ ' quiets this test and publishes nothing', info=True) -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
