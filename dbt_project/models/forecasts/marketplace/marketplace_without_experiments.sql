with history as (
    select * from {{ ref('marketplace') }}
)

select * from history  -- noqa: AM04
