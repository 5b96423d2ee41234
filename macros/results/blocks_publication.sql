{#- Condition on the columns of a check: it holds its study back. Only a gate does, unless it passed, warned, or could not
    be evaluated and was waived; a status that nobody knows blocks. -#}
{% macro blocks_publication() -%}
  (coalesce(is_gate, true) and not coalesce(
    status in ('pass', 'warn') or (status = 'not_evaluated' and coalesce(is_waived, false)), false
  ))
{%- endmacro %}
