-- Both samples hold the same 185 trained men: they are kept once. Neither file has identifiers; people of one sample
-- are numbered by their values, and those with the same values are alike in everything that is known of them.
with experiment as (
    select * from {{ ref('nsw_experiment') }}
),

survey as (
    select * from {{ ref('nsw_psid1') }}
    where treat = 0
),

people as (
    select
        *,
        case when treat = 1 then 'trained' else 'randomised_control' end as sample_name
    from experiment
    union all
    select
        *,
        'survey_control' as sample_name
    from survey
),

numbered as (
    select
        *,
        row_number() over (
            partition by sample_name
            order by age, education, black, hispanic, married, nodegree, re74, re75, re78
        ) as person_number
    from people
),

trainees as (
    select
        sample_name || '_' || cast(person_number as string) as person_id,
        sample_name,
        age,
        education,
        black as is_black,
        hispanic as is_hispanic,
        married as is_married,
        nodegree as has_no_degree,
        re74 as earnings_1974,
        re75 as earnings_1975,
        re78 as earnings_1978,
        timestamp '1975-12-31' as measured_at
    from numbered
)

select * from trainees
