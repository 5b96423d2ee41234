{#- On a study's leaf: fails unless the covariates were found balanced between the arms. -#}
{% test has_balanced_covariates(model) %}
{{ causal.unpassed_checks(model, 'balance') }}
{% endtest %}
