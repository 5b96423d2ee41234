{#- For Python models: collects the definitions of the studies upstream through `graph` (YAML meta is only there at run
    time) and appends them to the compiled code, so that the model reads them as `dbt.causal`. The old table is dropped
    and the new one made in one transaction: a model that raises leaves the old table as it was. -#}
{% materialization causal, default, supported_languages=['python'] %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set context = causal.run_context() -%}

  {{ run_hooks(pre_hooks) }}
  {%- if existing is not none and adapter.type() != 'spark' -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {#- dbt allows a Python job only from a `statement` called directly in a materialization -#}
  {% call statement('main', language='python') -%}
    {{- create_table_as(False, target_relation, compiled_code ~ "\nimport json as _json\ndbtObj.causal = _json.loads(" ~ (context | tojson | tojson) ~ ")\n", 'python') }}
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {% if adapter.type() == 'duckdb' %}{{ adapter.commit() }}{% endif %}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
