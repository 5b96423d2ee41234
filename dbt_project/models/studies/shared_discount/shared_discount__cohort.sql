with zones as (
    select distinct zone_id
    from {{ ref('stg_zone_supply') }}
    where region = 'canal'
),

rollouts as (
    select * from {{ ref('stg_discount_rollouts') }}
),

cohort as (
    select
        zones.zone_id as unit_id,
        rollouts.started_at as treated_at
    from zones
    left join rollouts on zones.zone_id = rollouts.zone_id
)

select * from cohort
