{#- Crashed studies as ledger rows, without the columns of the chain. -#}
{% macro crash_rows(crashed) -%}
  {%- set string = dbt.type_string() -%}
  select
    study_id, run_id, 'crash' as record, 'crashed' as status, cast(null as {{ string }}) as tier, definition_hash,
    {{ causal.text_literal(env_var('CAUSAL_GIT_COMMIT', 'unknown')) }} as git_commit,
    cast(null as {{ string }}) as library_version, cast(null as {{ string }}) as data_fingerprint,
    cast(null as {{ string }}) as method, cast(null as {{ string }}) as estimand, cast(null as {{ string }}) as outcome,
    cast(null as {{ string }}) as segment, cast(null as {{ string }}) as estimate_hash,
    md5(payload) as payload_hash, '{{ invocation_id }}' as logged_by, {{ causal.run_started() }} as logged_at, payload
  from ({{ causal.literal_rows(crashed, {'study_id': string, 'run_id': string, 'definition_hash': string, 'payload': string}) }}) as crashed
{%- endmacro %}
