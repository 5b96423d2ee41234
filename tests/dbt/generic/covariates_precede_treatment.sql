{#- Fails when a unit's covariates or placebo outcomes saw an event at or after its treatment; in a panel also when they saw
    one at or after the beginning of the row's period. `study_table`: ref() of the study. Violations are shown by bucket,
    never by unit. -#}
{% test covariates_precede_treatment(model, study_table) %}
{%- set columns = adapter.get_columns_in_relation(study_table) | map(attribute='name') | map('lower') | list if execute else [] %}
select unit_bucket, {{ 'period, period_starts_at,' if 'period' in columns }} treated_at, latest_covariate_at
from {{ study_table }}
where {{ causal.covariates_leak(columns) }}
{% endtest %}
