{#- Fails when a unit's outcomes saw an event before its treatment; in a table with periods when they saw one outside their
    period, or when a period after the treatment counts as untreated. `study_table`: ref() of the study. -#}
{% test outcomes_follow_treatment(model, study_table) %}
{%- set columns = adapter.get_columns_in_relation(study_table) | map(attribute='name') | map('lower') | list if execute else [] %}
select unit_bucket, {{ 'period, period_starts_at,' if 'period' in columns }} treated_at, earliest_outcome_at
from {{ study_table }}
where {{ causal.outcomes_leak(columns) }}
{% endtest %}
