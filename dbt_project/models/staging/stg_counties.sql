-- The panel has years and no dates: a year's employment is given its 30 June, the population 31 December 2002.
with source as (
    select * from {{ source('published_research', 'counties') }}
),

counties as (
    select
        county_id,
        make_timestamp(cast(year as bigint), 6, 30, 0, 0, 0) as employed_at,
        lemp as log_teen_employment,
        timestamp '2002-12-31' as counted_at,
        lpop as log_population,
        case
            when first_treated_year > 0
                then make_timestamp(cast(first_treated_year as bigint), 1, 1, 0, 0, 0)
        end as wage_raised_at
    from source
)

select * from counties
