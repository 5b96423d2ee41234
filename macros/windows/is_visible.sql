{#- Whether an event existed for the study at its `as_of`: it had happened by then, and its row had arrived.
    moment: microseconds of the event. -#}
{% macro is_visible(feature, moment, as_of_micros) -%}
  {{ moment }} < {{ as_of_micros }}
  {%- if feature.recorded_at %}
    and {{ causal.micros('event.' ~ feature.recorded_at) }} < {{ as_of_micros }}
  {%- endif %}
{%- endmacro %}
