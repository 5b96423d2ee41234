{#- The compile error for a window that crosses treatment. -#}
{% macro refuse_window(subject, rule, fix) -%}
  {{ exceptions.raise_compiler_error('CAUSAL-017 window crosses treatment\n  ' ~ subject ~ ': ' ~ rule ~ '\n  fix: ' ~ fix ~ '\n  more: docs/errors.md#causal-017') }}
{%- endmacro %}
