{# Rows by zone and week of `measured` that the policy of the zone's region reached, with the zone's weight in it. Zones on
   trial are left out and the others weighed up, so that what an experiment has measured is not counted again as history. #}
{% macro zones_off_trial(measured, trials, weights) %}
    select
        measured.*,
        weights.weight
    from {{ measured }} as measured
    inner join {{ weights }} as weights on measured.zone_id = weights.zone_id
    left join {{ trials }} as trials
        on
            measured.zone_id = trials.zone_id
            and measured.week >= trials.starts_at
            and measured.week < trials.ends_at
    where trials.zone_id is null
{% endmacro %}
