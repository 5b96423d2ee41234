{#- The columns of a row of the decision log that its hash covers, in order: those of fc.decision_rows. -#}
{% macro decision_log_columns() -%}
  {{ return(['forecast_id', 'plan_id', 'record', 'lever', 'cell', 'value', 'decided_by', 'decided_at', 'reason']) }}
{%- endmacro %}
