{#- The name that shares the most pairs of letters with `wanted` (Dice coefficient of at least 0.4), or none. -#}
{% macro closest_name(wanted, names) -%}
  {%- set best = namespace(name=none, score=0) -%}
  {%- set pairs = causal.letter_pairs(wanted) -%}
  {%- for name in names | sort -%}
    {%- set others = causal.letter_pairs(name) -%}
    {%- set shared = pairs | select('in', others) | list | length -%}
    {%- set score = 2 * shared / [pairs | length + others | length, 1] | max -%}
    {%- if score >= 0.4 and score > best.score -%}
      {%- set best.name = name -%}
      {%- set best.score = score -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(best.name) }}
{%- endmacro %}
