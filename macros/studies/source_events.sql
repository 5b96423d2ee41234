{#- One scan of a source model: the events that any window of the study can see, each with its microseconds after the
    treatment of its unit. Events at or after `as_of`, or recorded then, do not exist for the study. Events are joined on
    the unit alone and their windows looked at afterwards: a second condition would cost DuckDB its fastest join. -#}
{% macro source_events(columns, as_of_micros) -%}
  {%- set feature = columns[0].feature -%}
  {%- set starts = columns | map(attribute='start_days') | list -%}
  {%- set first_day = none if none in starts else starts | min -%}
  {%- set end_day = columns | map(attribute='end_days') | max -%}
  {%- set event_micros = causal.micros('event.' ~ feature.event_at) -%}
  {%- set moment = '(event_micros - treated_micros)' -%}
  select
    *,
    {{ moment }} as micros_after
  from (
    select
      index_times.unit_id,
      index_times.treated_micros,
      {{- causal.event_values(columns) }}
      {{ event_micros }} as event_micros
    from {{ feature.relation }} as event
    inner join index_times on event.{{ feature.unit_id }} = index_times.unit_id
    where {{ causal.is_visible(feature, event_micros, as_of_micros) }}
  ) as visible
  where {{ causal.in_window(moment, first_day, end_day) }}
{%- endmacro %}
