with demand as (
    select
        zone_id,
        week as requested_at,
        100 * ln(requests) as log_requests
    from {{ ref('stg_zone_demand') }}
    where product = 'shared'
)

select * from demand
