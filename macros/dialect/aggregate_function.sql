{#- The engine's aggregate over doubles that is repeatable whatever the number of threads: `sum` or `mean`. -#}
{% macro aggregate_function(aggregation) -%}
  {{ return(adapter.dispatch('aggregate_function', 'causal')(aggregation)) }}
{%- endmacro %}

{% macro default__aggregate_function(aggregation) -%}
  {{ {'sum': 'fsum', 'mean': 'favg'}[aggregation] }}
{%- endmacro %}

{#- Spark sums in the order in which partitions arrive: the last digits may differ between runs. -#}
{% macro spark__aggregate_function(aggregation) -%}
  {{ aggregation }}
{%- endmacro %}
