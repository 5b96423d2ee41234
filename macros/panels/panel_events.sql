{#- One scan of a source model: the events that any covariate window or any period can see, once for each period of their
    unit in which they count. Events at or after `as_of`, or recorded then, do not exist for the study. span: first and last
    micros of the periods. Without covariates an event has one period, which is found before the unit's row of it. -#}
{% macro panel_events(columns, as_of_micros, span) -%}
  {%- set feature = columns[0].feature -%}
  {%- set moment = causal.micros('event.' ~ feature.event_at) -%}
  {%- set after_index = '(' ~ moment ~ ' - index_times.index_micros)' -%}
  {%- set in_period = causal.in_period(moment, 'index_times.starts_micros', 'index_times.ends_micros') -%}
  {%- set has_covariates = columns | rejectattr('is_outcome') | list | length > 0 -%}
  {%- set windows = causal.any_window(columns, after_index, false) -%}
  select
    index_times.unit_id,
    index_times.period,
    index_times.index_micros,
    index_times.ends_micros - index_times.starts_micros as period_micros,
    {{- causal.event_values(columns) }}
    {{ moment }} as event_micros,
    {{ after_index }} as micros_after,
    {{ in_period }} as is_in_period
  from {{ feature.relation }} as event
  {%- if not has_covariates %}
  inner join calendar on {{ causal.in_period(moment, 'calendar.starts_micros', 'calendar.ends_micros') }}
  {%- endif %}
  inner join index_times
    on event.{{ feature.unit_id }} = index_times.unit_id
    {{- ' and calendar.period = index_times.period' if not has_covariates }}
  where ({{ windows }}{{ ' or ' ~ in_period if columns | selectattr('is_outcome') | list }})
    and {{ moment }} < {{ span[1] }}
    {%- if not has_covariates %}
    and {{ moment }} >= {{ span[0] }}
    {%- endif %}
    and {{ causal.is_visible(feature, moment, as_of_micros) }}
{%- endmacro %}
