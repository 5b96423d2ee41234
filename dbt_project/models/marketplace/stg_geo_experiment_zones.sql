with source as (
    select * from {{ source('marketplace', 'geo_experiment_zones') }}
),

geo_experiment_zones as (
    select
        experiment,
        zone_id,
        is_treated
    from source
)

select * from geo_experiment_zones
