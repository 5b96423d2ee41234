-- What a company builds on a study reads its leaf (<study>__published): if the gates fail, this model is skipped.
with published as (
    select * from {{ ref('push_campaign__published') }}
    union all
    select * from {{ ref('profile_photo__published') }}
    union all
    select * from {{ ref('group_joined__published') }}
    union all
    select * from {{ ref('moderation_tool__published') }}
    union all
    select * from {{ ref('live_rooms__published') }}
),

truth as (
    select * from {{ source('product', 'truth') }}
    union all
    select * from {{ source('product', 'rollout_truth') }}
),

effects_against_truth as (
    select
        published.study_id,
        published.method,
        published.estimand,
        published.outcome,
        published.segment,
        published.role,
        truth.effect as true_effect,
        published.estimate,
        published.ci_lower,
        published.ci_upper,
        truth.effect between published.ci_lower and published.ci_upper as is_covered
    from published
    inner join truth
        on
            published.study_id = truth.study_id
            and published.outcome = truth.outcome
            and coalesce(published.segment, '') = truth.segment
)

select * from effects_against_truth
