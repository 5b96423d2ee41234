{#- The last step of a table of series: every series in every period with its outcomes, over all its units. -#}
{% macro measured_series(study, columns, sources) -%}
  select
    series.series_id,
    calendar.period,
    {{ causal.timestamp_from_micros('calendar.starts_micros') }} as period_starts_at,
    series.treatment,
    coalesce(series.treated_at, intervention.treated_at) as treated_at,
    intervention.period as cohort,
    coalesce(sizes.n_units, 0) as n_units,
    {%- for column in columns %}
    {%- set value = column.feature.node ~ '_series.' ~ column.name %}
    {%- if not causal.is_zero_without_events(column.feature) %}
    {{ value }} as {{ column.name }},
    {%- else %}
    case when sizes.n_units > 0 then coalesce({{ value }}, 0){{ ' / sizes.n_units' if study.get('aggregate') != 'sum' }} end as {{ column.name }},
    {%- endif %}
    {%- endfor %}
    {{ causal.timestamp_from_micros(causal.across(sources, 'earliest_outcome_micros', 'least', 'series')) }} as earliest_outcome_at,
    {{ causal.timestamp_from_micros(causal.across(sources, 'latest_outcome_micros', 'greatest', 'series')) }} as latest_outcome_at,
    {{ causal.timestamp_from_micros('calendar.ends_micros') }} as outcome_ends_at,
    {{ causal.md5_bucket('series.series_id') }} as unit_bucket,
    case
      when series.treatment <> series.least_treatment then 'units of both arms'
      when series.treatment = 1 and series.treated_at is null then 'no index time'
      when sizes.n_units is null then 'no units'
    end as exclusion,
    '{{ causal.definition_hash(model.name) }}' as definition_hash
  from series
  cross join calendar
  cross join intervention
  left join sizes on series.series_id = sizes.series_id and calendar.period = sizes.period
  {%- for source in sources %}
  left join {{ source }}_series
    on series.series_id = {{ source }}_series.series_id
    and calendar.period = {{ source }}_series.period
  {%- endfor %}
{%- endmacro %}
