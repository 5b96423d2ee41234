{#- Fails when a unit's outcomes saw an event before its treatment. `study_table`: ref() of the study. -#}
{% test outcomes_follow_treatment(model, study_table) %}
select unit_bucket, treated_at, earliest_outcome_at
from {{ study_table }}
where {{ causal.precedes_treatment('earliest_outcome_at', 'treated_at') }}
{% endtest %}
