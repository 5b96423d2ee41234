{#- The pairs of neighbouring letters of a name, for `closest_name`. -#}
{% macro letter_pairs(name) -%}
  {%- set letters = name | lower -%}
  {%- set pairs = [] -%}
  {%- for i in range(letters | length - 1) -%}{%- do pairs.append(letters[i:i + 2]) -%}{%- endfor -%}
  {{ return(pairs) }}
{%- endmacro %}
