-- The file has years and no dates: a year's sales are given its 30 June.
with source as (
    select * from {{ ref('cigarette_sales') }}
),

cigarette_sales as (
    select
        state as state_name,
        cast(cast(year as string) || '-06-30' as timestamp) as sold_at,
        packspercapita as packs_per_head
    from source
)

select * from cigarette_sales
