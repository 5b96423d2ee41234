with young_men as (
    select
        person_id,
        measured_at,
        years_of_experience,
        years_of_experience_squared,
        is_black,
        is_in_south,
        is_in_city,
        was_in_city_1966,
        region_1966,
        lived_with_both_parents
    from {{ ref('stg_young_men') }}
)

select * from young_men
