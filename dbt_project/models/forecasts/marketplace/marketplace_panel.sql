-- Supply, demand and the calendar in one row per region, product and week; hours and bonuses repeat over products.
with supply as (
    select * from {{ ref('region_weeks') }}
),

demand as (
    select * from {{ ref('product_weeks') }}
),

calendar as (
    select * from {{ ref('stg_marketplace_calendar') }}
),

panel as (
    select
        demand.region,
        demand.product,
        demand.week,
        supply.bonus,
        demand.coupon,
        case when calendar.is_holiday then 1.0 else 0.0 end as holiday,
        supply.hours,
        demand.requests,
        demand.rides
    from demand
    inner join supply on demand.region = supply.region and demand.week = supply.week
    inner join calendar on demand.week = calendar.week
)

select * from panel
