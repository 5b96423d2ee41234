with employment as (
    select
        county_id,
        employed_at,
        log_teen_employment
    from {{ ref('stg_counties') }}
)

select * from employment
