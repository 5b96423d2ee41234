{#- The steps of each forecast that the installing project lists: name to list of steps, in order. `vars.forecasts` is a
    mapping, e.g. {marketplace: [fit, forecast, backtest, consistency, plan]}; step `x` of forecast `f` is the Python
    model `f__x`. -#}
{% macro forecast_steps() -%}
  {{ return(var('forecasts', {}) or {}) }}
{%- endmacro %}
