-- The history of the forecast: two years of weeks, and the weeks of the plan with what is known of them beforehand.
with panel as (
    select * from {{ ref('marketplace_panel') }}
),

history as (
    select
        region,
        product,
        week,
        holiday,
        case when week < timestamp '2025-04-28' then bonus end as bonus,
        case when week < timestamp '2025-04-28' then coupon end as coupon,
        case when week < timestamp '2025-04-28' then hours end as hours,
        case when week < timestamp '2025-04-28' then requests end as requests,
        case when week < timestamp '2025-04-28' then rides end as rides
    from panel
)

select * from history
