{#- The periods of a definition as records with the keys period, starts_micros and ends_micros (since 1970, in UTC), from
    `before` periods ahead of the first one to `after` periods past the last. Half-open: each ends where the next begins.
    Refuses a last period that has not ended by `as_of` (CAUSAL-033). -#}
{% macro period_boundaries(study, before=0, after=0) -%}
  {%- set periods = study.periods -%}
  {%- set months = {'month': 1, 'quarter': 3, 'year': 12}.get(periods.every) -%}
  {%- set days = {'day': 1, 'week': 7}.get(periods.every) -%}
  {%- set first = modules.datetime.date.fromisoformat(periods.first_on | string) -%}
  {%- set starts = [] -%}
  {%- for i in range(0 - before, periods.n_periods + after + 1) -%}
    {%- if days -%}
      {%- do starts.append(causal.micros_of((first + modules.datetime.timedelta(days=days * i)).isoformat())) -%}
    {%- else -%}
      {%- set month = first.year * 12 + first.month - 1 + months * i -%}
      {%- do starts.append(causal.micros_of(first.replace(year=month // 12, month=month % 12 + 1).isoformat())) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if starts[before + periods.n_periods] > causal.micros_of(study.as_of) -%}
    {{ exceptions.raise_compiler_error('CAUSAL-033 the last period has not ended\n  ' ~ model.name ~ ': period ' ~ periods.n_periods ~ ' ends after as_of ' ~ study.as_of ~ '\n  fix: give fewer periods, or a later as_of\n  more: docs/errors.md#causal-033') }}
  {%- endif -%}
  {%- set found = [] -%}
  {%- for i in range(starts | length - 1) -%}
    {%- do found.append({'period': i + 1 - before, 'starts_micros': starts[i], 'ends_micros': starts[i + 1]}) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}
