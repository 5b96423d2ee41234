{#- Condition on the audit columns of a study table: an outcome saw an event before the treatment. In a table with periods: an
    event outside its period, or any event of a period that is called untreated and ends after the treatment.
    columns: names of the columns of the study table. -#}
{% macro outcomes_leak(columns) -%}
  {%- if 'period_starts_at' not in columns -%} ({{ causal.precedes_treatment('earliest_outcome_at', 'treated_at') }})
  {%- else -%}
    ({{ causal.precedes_treatment('earliest_outcome_at', 'period_starts_at') }}
      or not ({{ causal.precedes_treatment('latest_outcome_at', 'outcome_ends_at') }})
      or (coalesce(period < cohort, true) and {{ causal.precedes_treatment('treated_at', 'outcome_ends_at') }}))
  {%- endif -%}
{%- endmacro %}
