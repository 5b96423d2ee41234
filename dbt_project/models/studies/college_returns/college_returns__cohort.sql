-- The treatment is a dose: years of schooling. Whether there was a college in the county moved some to study longer.
with young_men as (
    select * from {{ ref('stg_young_men') }}
),

cohort as (
    select
        person_id as unit_id,
        years_of_schooling as treatment,
        timestamp '1976-01-01' as treated_at,
        grew_up_near_college as instrument_near_college
    from young_men
)

select * from cohort
