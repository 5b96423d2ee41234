{#- Shows on the terminal why a study is blocked: one message per blocking check, in the form of every message here, and
    what acknowledges the block. Nothing for a study that is not blocked, or whose block was acknowledged. -#}
{% macro log_blocking_checks(leaf) -%}
  {%- if execute and flags.WHICH in ('build', 'test') and load_relation(leaf) is not none -%}
    {%- set alarms = "select distinct study_id, definition_hash from " ~ leaf ~ " where status = 'blocked' and coalesce(acknowledged_block, '') <> definition_hash" -%}
    {%- for study in run_query(alarms).rows -%}
      {%- set checks = 'select distinct study_id, code, check_name, method, outcome, reason from (' ~ causal.check_records(causal.results_of(leaf)) ~ ') as checks where is_blocking order by 1, 2, 3, 4, 5, 6' -%}
      {%- for check in run_query(checks).rows -%}{{ causal.log_check(check) }}{%- endfor -%}
      {%- do log(study.study_id ~ ' is blocked; a reviewed `acknowledged_block: "' ~ study.definition_hash ~ '"` in its definition quiets this test and publishes nothing', info=True) -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
