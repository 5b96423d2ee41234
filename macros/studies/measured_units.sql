{#- The last step of a study table: every row of the cohort with the features of each source model beside it. -#}
{% macro measured_units(carried, columns, sources, end_days) -%}
  select
    {%- for column in carried %}
    assigned.{{ column.split(' as ') | last }},
    {%- endfor %}
    {%- for column in columns %}
    {%- set value = column.feature.node ~ '_features.' ~ column.name %}
    {{ 'coalesce(' ~ value ~ ', 0)' if causal.is_zero_without_events(column.feature) else value }} as {{ column.name }},
    {%- endfor %}
    {{ causal.timestamp_from_micros('assigned.treated_micros + ' ~ causal.across(sources, 'latest_covariate_micros', 'greatest')) }} as latest_covariate_at,
    {{ causal.timestamp_from_micros('assigned.treated_micros + ' ~ causal.across(sources, 'earliest_outcome_micros', 'least')) }} as earliest_outcome_at,
    {{ causal.timestamp_from_micros('assigned.treated_micros + ' ~ end_days * 86400000000) }} as outcome_ends_at,
    assigned.unit_bucket,
    assigned.exclusion,
    '{{ causal.definition_hash(model.name) }}' as definition_hash
  from assigned
  {%- for source in sources %}
  left join {{ source }}_features
    on assigned.unit_id = {{ source }}_features.unit_id
    and assigned.treated_micros = {{ source }}_features.treated_micros
  {%- endfor %}
{%- endmacro %}
