{#- Shows on the terminal why a study is blocked: one message per blocking check, in the form of every message here. -#}
{% macro log_blocking_checks(leaf) -%}
  {%- if execute and flags.WHICH in ('build', 'test') and load_relation(leaf) is not none -%}
    {%- set status = run_query("select min(status) as status from " ~ leaf).columns[0].values() -%}
    {%- if status and status[0] == 'blocked' -%}
      {%- set checks = 'select distinct study_id, code, check_name, method, outcome, reason, definition_hash from (' ~ causal.check_records(causal.results_of(leaf)) ~ ') as checks where is_blocking order by 1, 2, 3, 4, 5, 6' -%}
      {%- for check in run_query(checks).rows -%}
        {{ causal.log_check(check) }}
      {%- endfor -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}
