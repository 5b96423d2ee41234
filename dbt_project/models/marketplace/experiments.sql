-- What is known about the effect of a lever, one row per experiment. Randomised: the difference of the arms in what
-- they had during / before, times what the region had before (Neyman's standard error). Observational: published
-- effects of studies; a study that is blocked has none to give. Of the experiments that lowered a lever half are held
-- out of the fit, by a hash of region and window: the forecast must agree with them, and knows the lever there only
-- from other times.
with designs as (
    select * from {{ ref('stg_geo_experiments') }}
),

zone_sums as (
    select * from {{ ref('geo_experiment_zone_sums') }}
),

arms as (
    select
        experiment,
        outcome,
        is_treated,
        avg(during / before) as growth,
        var_samp(during / before) / count(*) as variance,
        sum(before) as before
    from zone_sums
    group by experiment, outcome, is_treated
),

randomised as (
    select
        designs.experiment,
        designs.lever,
        treated.outcome,
        designs.region,
        designs.product,
        designs.starts_on as starts,
        designs.ends_on as ends,
        designs.delta,
        (treated.growth - control.growth) * (treated.before + control.before) as effect,
        sqrt(treated.variance + control.variance) * (treated.before + control.before) as std_error,
        'randomised' as source,
        cast(null as double) as bias_bound,
        case
            when
                designs.delta < 0
                and {{ causal.md5_bucket("designs.region || cast(designs.starts_on as string)") }} < 2147483648
                then 'heldout'
            else 'train'
        end as split
    from designs
    inner join arms as treated on designs.experiment = treated.experiment and treated.is_treated
    inner join arms as control on designs.experiment = control.experiment and not control.is_treated
),

observational as (
    select * from {{ ref('observational_experiments') }}
),

experiments as (
    select * from randomised
    union all
    select * from observational
)

select * from experiments  -- noqa: AM04
