{#- Data types of the columns of an effect, the same in `effects` and in every study's leaf. -#}
{% macro effect_columns() -%}
  {%- set columns = {} -%}
  {%- for name in ['study_id', 'run_id', 'definition_hash', 'method', 'estimand', 'population', 'outcome', 'segment', 'role'] -%}
    {%- do columns.update({name: dbt.type_string()}) -%}
  {%- endfor -%}
  {%- do columns.update({'is_headline': dbt.type_boolean()}) -%}
  {%- for name in ['estimate', 'std_error', 'ci_lower', 'ci_upper', 'p_value', 'p_value_adjusted', 'control_mean'] -%}
    {%- do columns.update({name: 'double'}) -%}
  {%- endfor -%}
  {%- do columns.update({'n_units': 'bigint', 'n_treated': 'bigint'}) -%}
  {%- for name in ['se_convention', 'estimate_hash', 'diagnostics'] -%}{%- do columns.update({name: dbt.type_string()}) -%}{%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}
