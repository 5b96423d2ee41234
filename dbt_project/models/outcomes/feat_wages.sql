with wages as (
    select
        person_id,
        paid_at,
        log_wage
    from {{ ref('stg_young_men') }}
)

select * from wages
