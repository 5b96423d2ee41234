{#- Every measured column of a table with periods: records as in `study_columns`. Covariates have windows that end before the
    index of their row; outcomes and negative controls are measured over the period, whose length is their `days`. -#}
{% macro period_columns(study, registered) -%}
  {%- set columns = [] -%}
  {%- for item in study.get('confounders') or [] -%}
    {%- do columns.append(causal.pre_column('covariate_', item, study, registered)) -%}
  {%- endfor -%}
  {%- set of_period = [] -%}
  {%- for item in study.outcomes -%}{%- do of_period.append(['outcome_', item]) -%}{%- endfor -%}
  {%- for item in (study.get('checks') or {}).get('negative_controls') or [] -%}
    {%- do of_period.append(['negative_control_', item]) -%}
  {%- endfor -%}
  {%- for prefix, item in of_period -%}
    {%- set column = causal.windowed_column(prefix, item, registered) -%}
    {%- do columns.append(dict(column, days='(max(period_micros) / 86400000000.0)', is_outcome=true)) -%}
  {%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}
