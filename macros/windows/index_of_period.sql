{#- The moment that the covariates of a unit's period precede: the beginning of the period or the treatment, whichever comes
    first; with anticipation the beginning of the first period that may be anticipated. Nulls are passed over. -#}
{% macro index_of_period(starts_micros, treated_micros, anticipated_micros) -%}
  least({{ starts_micros }}, coalesce({{ treated_micros }}, {{ starts_micros }}){{ ', coalesce(' ~ anticipated_micros ~ ', ' ~ starts_micros ~ ')' if anticipated_micros }})
{%- endmacro %}
