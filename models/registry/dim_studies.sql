{#- The refs only order the build: an edited study rebuilds this table too. -#}
{{ causal.guard() }}
{% for study_id in var('studies') %}
-- depends_on: {{ ref(project_name, study_id) }}
{% endfor %}
{{ causal.literal_rows(causal.all_studies(), model.columns) if execute else 'select 1 as study_id' }}
