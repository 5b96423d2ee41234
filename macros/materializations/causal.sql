{#- For Python models: collects the definitions of the studies upstream through `graph` (YAML meta is only there at run
    time) and appends them to the compiled code, so that the model reads them as `dbt.causal`. The model writes beside the
    old table, and one transaction renames both: a model that raises leaves the old table as it was. -#}
{% materialization causal, default, supported_languages=['python'] %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set staged = make_intermediate_relation(target_relation) -%}
  {%- set replaced = make_backup_relation(target_relation, existing.type if existing else 'table') -%}
  {%- set context = causal.run_context() -%}

  {{ drop_relation_if_exists(load_cached_relation(staged)) }}
  {{ drop_relation_if_exists(load_cached_relation(replaced)) }}
  {{ run_hooks(pre_hooks) }}
  {#- dbt allows a Python job only from a `statement` called directly in a materialization -#}
  {% call statement('main', language='python') -%}
    {{- causal.python_table(staged, compiled_code ~ "\nimport json as _json\ndbtObj.causal = _json.loads(" ~ (context | tojson | tojson) ~ ")\n") }}
  {%- endcall %}

  {%- if existing is not none -%}{%- do adapter.rename_relation(existing, replaced) -%}{%- endif -%}
  {%- do adapter.rename_relation(staged, target_relation) -%}
  {{ run_hooks(post_hooks) }}
  {% if adapter.type() == 'duckdb' %}{{ adapter.commit() }}{% endif %}
  {{ drop_relation_if_exists(replaced) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
