-- Experiments that could be run next: each region, lever and product for the last four weeks of the history, as strong
-- and as exact as the geo experiments were on average.
with run_so_far as (
    select * from {{ ref('experiments') }}
    where source = 'randomised'
),

usual as (
    select
        lever,
        outcome,
        product,
        avg(abs(delta)) as delta,
        avg(std_error) as std_error
    from run_so_far
    group by lever, outcome, product
),

regions as (
    select distinct region from run_so_far
),

designs as (
    select
        regions.region || ': more ' || usual.lever || coalesce(' for ' || usual.product, '') as experiment,
        usual.lever,
        usual.outcome,
        regions.region,
        usual.product,
        timestamp '2025-03-31' as starts,
        timestamp '2025-04-28' as ends,
        usual.delta,
        usual.std_error
    from regions
    cross join usual
)

select * from designs
