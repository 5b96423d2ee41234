{#- On the leaf of a plan (`<forecast>__published`): fails unless the model's effects were found to agree with the randomised experiments. The
    alarm of a gate: what withholds the plan is the leaf itself. -#}
{% test agrees_with_experiments(model) %}
{{ causal.log_forecast_checks(model, 'agrees_with_experiments') }}
{{ causal.unpassed_forecast_checks(model, 'agrees_with_experiments') }}
{% endtest %}
