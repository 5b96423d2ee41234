-- What was really done in the weeks of the plan, and what came of it.
with panel as (
    select * from {{ ref('marketplace_panel') }}
),

actuals as (
    select *
    from panel
    where week >= timestamp '2025-04-28'
)

select * from actuals  -- noqa: AM04
