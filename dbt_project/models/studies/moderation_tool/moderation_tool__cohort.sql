with communities as (
    select * from {{ ref('stg_communities') }}
),

rollouts as (
    select * from {{ ref('stg_rollouts') }}
    where rolled_out = 'moderation_tool'
),

cohort as (
    select
        communities.community_id as unit_id,
        rollouts.started_at as treated_at,
        communities.founded_at as eligible_at
    from communities
    left join rollouts on communities.community_id = rollouts.community_id
)

select * from cohort
