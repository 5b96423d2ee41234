with population as (
    select distinct
        county_id,
        counted_at,
        log_population
    from {{ ref('stg_counties') }}
)

select * from population
