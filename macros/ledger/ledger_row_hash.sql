{#- The md5 of one row of a ledger: each column as text with a mark for null, so that no two rows share a text. columns:
    those of the ledger of studies, unless another log gives its own. -#}
{% macro ledger_row_hash(columns=none) -%}
  md5({% for column in columns or causal.ledger_columns() -%}
    coalesce('=' || cast({{ column }} as {{ dbt.type_string() }}), '~') {{ "|| '|' ||" if not loop.last }}
  {% endfor %})
{%- endmacro %}
