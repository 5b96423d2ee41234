{#- On the leaf of a plan (`<forecast>__published`): fails unless the plan was found to obey every constraint and to stay within what was tried. The
    alarm of a gate: what withholds the plan is the leaf itself. -#}
{% test is_feasible(model) %}
{{ causal.log_forecast_checks(model, 'is_feasible') }}
{{ causal.unpassed_forecast_checks(model, 'is_feasible') }}
{% endtest %}
