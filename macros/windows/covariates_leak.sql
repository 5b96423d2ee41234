{#- Condition on the audit columns of a study table: a covariate saw an event at or after the treatment or, in a panel, at or
    after the beginning of its period or of what may be anticipated. columns: names of the columns of the study table. -#}
{% macro covariates_leak(columns) -%}
  {%- set conditions = [] -%}
  {%- for bound in ['treated_at', 'period_starts_at', 'index_at'] if bound in columns and 'latest_covariate_at' in columns -%}
    {%- do conditions.append('not (' ~ causal.precedes_treatment('latest_covariate_at', bound) ~ ')') -%}
  {%- endfor -%}
  ({{ conditions | join(' or ') or 'false' }})
{%- endmacro %}
