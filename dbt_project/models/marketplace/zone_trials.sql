-- Zones that were treated otherwise than their region's policy, and until when drivers still felt it (four more weeks).
with experiments as (
    select * from {{ ref('stg_geo_experiments') }}
),

arms as (
    select * from {{ ref('stg_geo_experiment_zones') }}
),

rollouts as (
    select * from {{ ref('stg_discount_rollouts') }}
),

zone_trials as (
    select
        arms.zone_id,
        experiments.starts_on as starts_at,
        experiments.ends_on + interval 28 day as ends_at
    from experiments
    inner join arms on experiments.experiment = arms.experiment
    where arms.is_treated
    union all
    select
        zone_id,
        started_at as starts_at,
        ended_at + interval 28 day as ends_at
    from rollouts
)

select * from zone_trials
