{#- The columns of a cohort that its study table carries, as SQL select items: those that are `required`, what the study
    declares and what is there of the known optional ones. Nothing else of the cohort leaves it. -#}
{% macro cohort_columns(cohort, study, required=('unit_id', 'treatment', 'treated_at')) -%}
  {%- set present = adapter.get_columns_in_relation(cohort) | map(attribute='name') | map('lower') | list -%}
  {%- set declared = required | list -%}
  {%- for segment in study.get('segments') or [] -%}{%- do declared.append('segment_' ~ segment) -%}{%- endfor -%}
  {%- for instrument in study.get('instruments') or [] -%}{%- do declared.append('instrument_' ~ instrument) -%}{%- endfor -%}
  {%- if study.get('later_treatment') == 'censor' -%}{%- do declared.append('later_treated_at') -%}{%- endif -%}
  {%- for column in declared + [study.get('cluster')] if column and present and column not in present -%}
    {{ exceptions.raise_compiler_error('CAUSAL-001 column missing from the cohort\n  ' ~ cohort.identifier ~ ' has no column ' ~ column ~ ', which ' ~ model.name ~ ' needs\n  fix: add it to the cohort, or correct the definition\n  more: docs/errors.md#causal-001') }}
  {%- endfor -%}
  {%- for column in ['treatment', 'series_id', 'eligible_at', 'later_treated_at', 'instrument', 'weight'] if column in present and column not in declared -%}
    {%- do declared.append(column) -%}
  {%- endfor -%}
  {%- for column in present if column.startswith('segment_') and column not in declared -%}{%- do declared.append(column) -%}{%- endfor -%}
  {%- if study.get('cluster') -%}{%- do declared.append(study.cluster ~ ' as cluster_id') -%}
  {%- elif 'cluster_id' in present -%}{%- do declared.append('cluster_id') -%}
  {%- endif -%}
  {{ return(declared) }}
{%- endmacro %}
