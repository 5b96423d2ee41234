{#- One scan of a source model: the events of the units of a series, each with the one period in which it lies. Events at or
    after `as_of`, or recorded then, do not exist for the study. span: first and last micros of the periods. -#}
{% macro series_events(columns, as_of_micros, span, has_eligibility) -%}
  {%- set feature = columns[0].feature -%}
  {%- set moment = causal.micros('event.' ~ feature.event_at) -%}
  select
    members.series_id,
    members.unit_id,
    calendar.period,
    calendar.ends_micros - calendar.starts_micros as period_micros,
    {{- causal.event_values(columns) }}
    {{ moment }} as event_micros,
    true as is_in_period
  from {{ feature.relation }} as event
  inner join members on event.{{ feature.unit_id }} = members.unit_id
  inner join calendar on {{ causal.in_period(moment, 'calendar.starts_micros', 'calendar.ends_micros') }}
    {{- ' and members.eligible_micros <= calendar.starts_micros' if has_eligibility }}
  where {{ causal.in_period(moment, span[0], span[1]) }}
    and {{ causal.is_visible(feature, moment, as_of_micros) }}
{%- endmacro %}
