-- California raised its tax on cigarettes and paid for a campaign against smoking. Other states are the controls, but
-- for four whose own sales moved at that time: the check controls_not_affected named them while they were among them.
with sales as (
    select * from {{ ref('stg_cigarette_sales') }}
),

cohort as (
    select distinct
        state_name as unit_id,
        state_name as series_id,
        case when state_name = 'California' then 1 else 0 end as treatment,
        timestamp '1989-01-01' as treated_at
    from sales
    where state_name not in ('Georgia', 'Kentucky', 'Rhode Island', 'Virginia')
)

select * from cohort
