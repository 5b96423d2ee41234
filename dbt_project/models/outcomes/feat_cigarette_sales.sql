with sales as (
    select
        state_name,
        sold_at,
        packs_per_head
    from {{ ref('stg_cigarette_sales') }}
)

select * from sales
