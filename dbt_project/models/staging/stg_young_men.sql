-- The survey has no dates: values that explain the wages of 1976 are given 31 December 1975 (seeds/PROVENANCE.md).
with source as (
    select * from {{ source('published_research', 'young_men') }}
),

young_men as (
    select
        row_number as person_id,
        nearc4 as grew_up_near_college,
        educ as years_of_schooling,
        exper as years_of_experience,
        expersq as years_of_experience_squared,
        black as is_black,
        south as is_in_south,
        smsa as is_in_city,
        smsa66 as was_in_city_1966,
        momdad14 as lived_with_both_parents,
        case
            when reg661 = 1 then 'region_1'
            when reg662 = 1 then 'region_2'
            when reg663 = 1 then 'region_3'
            when reg664 = 1 then 'region_4'
            when reg665 = 1 then 'region_5'
            when reg666 = 1 then 'region_6'
            when reg667 = 1 then 'region_7'
            when reg668 = 1 then 'region_8'
            when reg669 = 1 then 'region_9'
        end as region_1966,
        lwage as log_wage,
        timestamp '1975-12-31' as measured_at,
        timestamp '1976-12-31' as paid_at
    from source
)

select * from young_men
