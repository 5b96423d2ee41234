-- The panel has years and no dates: a year's employment is given its 30 June, the population 31 December 2002.
with source as (
    select * from {{ source('published_research', 'counties') }}
),

counties as (
    select
        county_id,
        cast(cast(year as string) || '-06-30' as timestamp) as employed_at,
        lemp as log_teen_employment,
        timestamp '2002-12-31' as counted_at,
        lpop as log_population,
        case
            when first_treated_year > 0
                then cast(cast(first_treated_year as string) || '-01-01' as timestamp)
        end as wage_raised_at
    from source
)

select * from counties
