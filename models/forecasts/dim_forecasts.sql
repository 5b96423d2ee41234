{#- The refs only order the build: an edited forecast rebuilds this table too. -#}
{{ causal.guard_forecasts() }}
{% for forecast_id in causal.forecast_steps() %}
-- depends_on: {{ ref(project_name, forecast_id) }}
{% endfor %}
{{ causal.literal_rows(causal.all_forecasts(), model.columns) if execute else 'select 1 as forecast_id' }}
