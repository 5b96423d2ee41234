{#- On a study's leaf: fails unless its A/A checks (placebo outcome, placebo in time, placebo treatment) ran and found no
    effect where there can be none. A warning is no failure. -#}
{% test has_null_effect(model) %}
{{ causal.unpassed_checks(model, 'placebo_') }}
{% endtest %}
