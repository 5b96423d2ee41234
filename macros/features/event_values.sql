{#- The values of a source model that a study's columns aggregate, each once: `event.amount as value_amount`; and, where its
    last is asked and the engine needs it, the number that settles ties: `<number> as order_amount`. -#}
{% macro event_values(columns) -%}
  {%- set features = columns | map(attribute='feature') | list -%}
  {%- for value in features | map(attribute='column') | select | unique | sort %}
    event.{{ adapter.quote(value) }} as value_{{ value }},
  {%- endfor %}
  {%- for feature in features | selectattr('aggregation', 'equalto', 'last') | unique(attribute='column') if causal.event_order(feature) %}
    {{ causal.order_number('event.' ~ adapter.quote(feature.column), feature.type) }} as {{ causal.event_order(feature) }},
  {%- endfor %}
{%- endmacro %}
