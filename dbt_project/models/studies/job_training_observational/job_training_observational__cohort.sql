with trainees as (
    select * from {{ ref('stg_trainees') }}
),

cohort as (
    select
        person_id as unit_id,
        case when sample_name = 'trained' then 1 else 0 end as treatment,
        timestamp '1976-01-01' as treated_at
    from trainees
    where sample_name in ('trained', 'survey_control')
)

select * from cohort
