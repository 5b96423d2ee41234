-- The file has years and no dates: a year's sales are given its 30 June.
with source as (
    select * from {{ ref('cigarette_sales') }}
),

cigarette_sales as (
    select
        state as state_name,
        make_timestamp(cast(year as bigint), 6, 30, 0, 0, 0) as sold_at,
        packspercapita as packs_per_head
    from source
)

select * from cigarette_sales
