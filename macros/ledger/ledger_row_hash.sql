{#- The md5 of one ledger row: each column as text with a mark for null, so that no two rows share a text. -#}
{% macro ledger_row_hash() -%}
  md5({% for column in causal.ledger_columns() -%}
    coalesce('=' || cast({{ column }} as {{ dbt.type_string() }}), '~') {{ "|| '|' ||" if not loop.last }}
  {% endfor %})
{%- endmacro %}
