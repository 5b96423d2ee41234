{#- The values of a source model that a study's columns aggregate, each once: `event.amount as value_amount`. -#}
{% macro event_values(columns) -%}
  {%- for value in columns | map(attribute='feature') | map(attribute='column') | select | unique | sort %}
    event.{{ adapter.quote(value) }} as value_{{ value }},
  {%- endfor %}
{%- endmacro %}
