{#- Fails when a unit's covariates or placebo outcomes saw an event at or after its treatment. `study_table`: ref() of the
    study. Violations are shown by bucket, never by unit. -#}
{% test covariates_precede_treatment(model, study_table) %}
select unit_bucket, treated_at, latest_covariate_at
from {{ study_table }}
where not {{ causal.precedes_treatment('latest_covariate_at', 'treated_at') }}
{% endtest %}
