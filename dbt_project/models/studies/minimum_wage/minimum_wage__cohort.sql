with counties as (
    select * from {{ ref('stg_counties') }}
),

cohort as (
    select distinct
        county_id as unit_id,
        wage_raised_at as treated_at
    from counties
)

select * from cohort
