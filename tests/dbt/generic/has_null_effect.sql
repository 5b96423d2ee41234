{#- On a study's leaf: fails unless its A/A checks (placebo outcome, placebo in time, placebo treatment; trends before
    treatment in a panel; balance across an instrument) ran and found no effect where there can be none. A warning is no
    failure. -#}
{% test has_null_effect(model) %}
{{ causal.unpassed_checks(model, 'placebo_', ['pre_trends', 'instrument_balance']) }}
{% endtest %}
