{#- The columns of a ledger row that its hash covers, in order. The payload is covered by its own hash, so that a copy of
    the ledger can withhold it and still be verified. -#}
{% macro ledger_columns() -%}
  {{ return(['study_id', 'run_id', 'record', 'status', 'tier', 'definition_hash', 'git_commit', 'library_version',
    'data_fingerprint', 'method', 'estimand', 'outcome', 'segment', 'estimate_hash', 'payload_hash', 'logged_by', 'logged_at']) }}
{%- endmacro %}
