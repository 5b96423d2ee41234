{#- Why a row of the cohort is not analysed, as text, or null. The first reason that applies is given; rows are flagged and
    never dropped. `end_days` is the last day of any outcome window. -#}
{% macro exclusion(study, columns, end_days) -%}
  {%- set is_control = "lower(cast(treatment as " ~ dbt.type_string() ~ ")) in ('0', '0.0', 'false')" -%}
  {%- if study.get('treatment_values') -%}
    {%- set is_control = 'lower(cast(treatment as ' ~ dbt.type_string() ~ ')) = ' ~ causal.text_literal(study.treatment_values.control | string | lower) -%}
  {%- endif -%}
  case
    when treated_at is null then 'no index time'
    {%- if 'eligible_at' in columns %}
    when not {{ causal.is_eligible('eligible_at', 'treated_at') }} then 'not eligible'
    {%- endif %}
    {%- if study.get('crossover') == 'first_exposure' %}
    when min(treatment) over (partition by unit_id) <> max(treatment) over (partition by unit_id)
      and not {{ causal.is_first_exposure('treatment', 'treated_at') }} then 'crossed over'
    {%- endif %}
    {%- if study.get('later_treatment') == 'censor' %}
    when {{ is_control }} and {{ causal.is_treated_by('later_treated_at', 'treated_at', end_days) }} then 'treated later'
    {%- endif %}
  end
{%- endmacro %}
