{#- Condition, by window functions over a unit's rows, that a row is the unit's only first one: at its earliest index time
    and not in both arms at once. -#}
{% macro is_first_exposure(treatment, treated_at) -%}
  {%- set moment = causal.micros(treated_at) -%}
  ({{ moment }} = min({{ moment }}) over (partition by unit_id)
    and min({{ treatment }}) over (partition by unit_id, {{ moment }}) = max({{ treatment }}) over (partition by unit_id, {{ moment }}))
{%- endmacro %}
