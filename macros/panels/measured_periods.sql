{#- The last step of a panel: every unit in every period with the features of each source model beside it. -#}
{% macro measured_periods(study, carried, columns, sources) -%}
  {%- set under_treatment = 'unit_periods.period >= unit_periods.cohort' -%}
  select
    {%- for column in carried if column != 'treatment' %}
    unit_periods.{{ column.split(' as ') | last }},
    {%- endfor %}
    unit_periods.period,
    {{ causal.timestamp_from_micros('unit_periods.starts_micros') }} as period_starts_at,
    unit_periods.cohort,
    case when {{ under_treatment }} then {{ 'unit_periods.treatment' if study.get('treatment_kind') == 'continuous' else 1 }} else 0 end as treatment,
    {%- for column in columns %}
    {%- set value = column.feature.node ~ '_features.' ~ column.name %}
    {{ 'coalesce(' ~ value ~ ', 0)' if causal.is_zero_without_events(column.feature) else value }} as {{ column.name }},
    {%- endfor %}
    {{ causal.timestamp_from_micros('unit_periods.index_micros') }} as index_at,
    {{ causal.timestamp_from_micros(causal.across(sources, 'latest_covariate_micros', 'greatest')) }} as latest_covariate_at,
    {{ causal.timestamp_from_micros(causal.across(sources, 'earliest_outcome_micros', 'least')) }} as earliest_outcome_at,
    {{ causal.timestamp_from_micros(causal.across(sources, 'latest_outcome_micros', 'greatest')) }} as latest_outcome_at,
    {{ causal.timestamp_from_micros('unit_periods.ends_micros') }} as outcome_ends_at,
    unit_periods.unit_bucket,
    unit_periods.exclusion,
    '{{ causal.definition_hash(model.name) }}' as definition_hash
  from flagged as unit_periods
  {%- for source in sources %}
  left join {{ source }}_features
    on unit_periods.unit_id = {{ source }}_features.unit_id
    and unit_periods.period = {{ source }}_features.period
    and unit_periods.index_micros = {{ source }}_features.index_micros
  {%- endfor %}
{%- endmacro %}
