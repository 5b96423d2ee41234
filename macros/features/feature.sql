{#- A registered feature by its name or its label. Raises CAUSAL-003 when there is none, or more than one. -#}
{% macro feature(wanted, registered) -%}
  {%- set found = [] -%}
  {%- for candidate in registered if wanted in (candidate.name, candidate.label) -%}
    {%- do found.append(candidate) -%}
  {%- endfor -%}
  {%- if found | length == 1 -%}{{ return(found[0]) }}{%- endif -%}
  {%- if found -%}
    {{ exceptions.raise_compiler_error('CAUSAL-003 ambiguous confounder ' ~ wanted ~ '\n  declared in ' ~ found | map(attribute='node') | join(' and ') ~ '\n  fix: use the name of one of them, or rename one') }}
  {%- endif -%}
  {%- set names = registered | map(attribute='name') | list -%}
  {%- set closest = causal.closest_name(wanted, names) -%}
  {%- set advice = 'did you mean `' ~ closest ~ '`?' if closest else 'registered: ' ~ names | sort | join(', ') -%}
  {{ exceptions.raise_compiler_error('CAUSAL-003 unknown confounder ' ~ wanted ~ '; ' ~ advice ~ '\n  ' ~ model.name ~ ' knows the features of the models that it passes to study_table\n  fix: correct the name, or add ref() of the model that declares it\n  more: docs/errors.md#causal-003') }}
{%- endmacro %}
