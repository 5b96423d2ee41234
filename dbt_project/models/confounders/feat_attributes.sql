with attributes as (
    select
        person_id,
        measured_at,
        age,
        education,
        is_black,
        is_hispanic,
        is_married,
        has_no_degree
    from {{ ref('stg_trainees') }}
)

select * from attributes
