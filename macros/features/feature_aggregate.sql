{#- The aggregate of a feature over the events for which `condition` holds. `value` and `moment` are columns of the
    events; days is the length of the window, which a rate divides by. -#}
{% macro feature_aggregate(feature, value, moment, condition, days) -%}
  {%- set double = 'cast(' ~ value ~ ' as double)' -%}
  {%- set kind = feature.aggregation -%}
  {%- if kind == 'count' -%} count({{ value }}) filter (where {{ condition }})
  {%- elif kind == 'count_distinct' -%} count(distinct {{ value }}) filter (where {{ condition }})
  {%- elif kind in ('sum', 'mean') -%} {{ causal.aggregate_function(kind) }}({{ double }}) filter (where {{ condition }})
  {%- elif kind in ('max', 'min') -%} {{ kind }}({{ value }}) filter (where {{ condition }})
  {%- elif kind == 'last' -%} {{ causal.latest_value(value, moment, causal.event_order(feature)) }} filter (where {{ condition }} and {{ value }} is not null)
  {%- elif kind == 'rate' and days is not none -%} {{ causal.aggregate_function('sum') }}({{ double }}) filter (where {{ condition }}) / {{ days }}
  {%- else -%}
    {{ exceptions.raise_compiler_error('CAUSAL-001 feature ' ~ feature.name ~ ' of ' ~ feature.node ~ ': aggregation ' ~ kind ~ (' needs window_days' if kind == 'rate' else ' is unknown') ~ '\n  fix: use one of sum, count, mean, max, min, last, count_distinct, rate') }}
  {%- endif -%}
{%- endmacro %}
