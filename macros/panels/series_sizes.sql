{#- How many units each series has in each period; a unit counts from the first period that begins when it is eligible. -#}
{% macro series_sizes(has_eligibility) -%}
  {%- if has_eligibility %}
  select members.series_id, calendar.period, count(distinct members.unit_id) as n_units
  from members
  inner join calendar on members.eligible_micros <= calendar.starts_micros
  group by members.series_id, calendar.period
  {%- else %}
  select members.series_id, calendar.period, members.n_units
  from (select series_id, count(distinct unit_id) as n_units from members group by series_id) as members
  cross join calendar
  {%- endif %}
{%- endmacro %}
