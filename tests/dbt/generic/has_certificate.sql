{#- On the leaf of a plan (`<forecast>__published`): fails unless it is stated, and justified, how far from the optimum the plan can be. The
    alarm of a gate: what withholds the plan is the leaf itself. -#}
{% test has_certificate(model) %}
{{ causal.log_forecast_checks(model, 'has_certificate') }}
{{ causal.unpassed_forecast_checks(model, 'has_certificate') }}
{% endtest %}
