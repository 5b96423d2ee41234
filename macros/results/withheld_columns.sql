{#- The figures that a study which is not published does not show: of an effect, of event times, of series, of sensitivity. -#}
{% macro withheld_columns() -%}
  {%- set of_effects = ['estimate', 'std_error', 'ci_lower', 'ci_upper', 'p_value', 'p_value_adjusted', 'control_mean', 'diagnostics'] -%}
  {%- set of_event_times = ['band_lower', 'band_upper'] -%}
  {%- set of_sensitivity = ['value', 'in_words'] -%}
  {%- set of_series = ['actual'] -%}
  {%- for name in ['expected', 'effect', 'cumulative'] -%}
    {%- do of_series.extend([name, name ~ '_lower', name ~ '_upper']) -%}
  {%- endfor -%}
  {{ return(of_effects + of_event_times + of_sensitivity + of_series) }}
{%- endmacro %}
