with source as (
    select * from {{ source('marketplace', 'geo_experiments') }}
),

geo_experiments as (
    select
        experiment,
        lever,
        region,
        product,
        starts_on,
        ends_on,
        delta
    from source
)

select * from geo_experiments
