{#- Every windowed column of a study table: records with the keys name, feature, days, start_days, end_days and is_outcome
    (null for the shifted ones, which no audit column reads). Refuses features without an event time and windows that
    cross treatment (CAUSAL-017). -#}
{% macro study_columns(study, registered) -%}
  {%- set checks = study.get('checks') or {} -%}
  {%- set shift = (checks.get('placebo_in_time') or {}).get('shift_days', 0) -%}
  {%- set columns = [] -%}
  {%- for item in study.get('confounders') or [] -%}
    {%- do columns.append(causal.pre_column('covariate_', item, study, registered)) -%}
    {%- if shift -%}{%- do columns.append(causal.pre_column('shifted_covariate_', item, study, registered, shift)) -%}{%- endif -%}
  {%- endfor -%}
  {%- for item in checks.get('placebo_outcomes') or [] -%}
    {%- do columns.append(causal.pre_column('placebo_', item, study, registered)) -%}
  {%- endfor -%}
  {%- for item in study.outcomes -%}
    {%- do columns.append(causal.post_column('outcome_', item, study, registered)) -%}
    {%- if shift -%}{%- do columns.append(causal.post_column('shifted_outcome_', item, study, registered, shift)) -%}{%- endif -%}
  {%- endfor -%}
  {%- for item in checks.get('negative_controls') or [] -%}
    {%- do columns.append(causal.post_column('negative_control_', item, study, registered)) -%}
  {%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}
