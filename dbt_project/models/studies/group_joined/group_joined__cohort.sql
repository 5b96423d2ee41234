-- A risk-set cohort: on each day, users who join are compared with users who have not joined yet, some of whom will.
-- A lottery in the user's identifier decides beforehand in which arm a user may serve (seven in ten as joiners, three
-- in ten as controls) and on which day a control is looked at. It knows nothing of the future: to take as controls
-- those who never join would be to choose them by what they do later.
with users as (
    select
        members.user_id,
        members.signed_up_at + interval 28 day as eligible_at,
        first_joins.joined_at,
        date_trunc('day', first_joins.joined_at) as joined_day,
        {{ causal.md5_bucket("'group_joined/' || members.user_id") }} / 4294967296e0 as lot
    from {{ ref('stg_users') }} as members
    left join {{ ref('stg_group_joins') }} as first_joins on members.user_id = first_joins.user_id
),

joiners as (
    select * from users
    where lot < 0.7 and eligible_at <= joined_day
),

joiners_by_day as (
    select
        joined_day,
        count(*) as n_joiners,
        sum(count(*)) over (order by joined_day) / sum(count(*)) over () as last_lot
    from joiners
    group by joined_day
),

days as (
    select
        *,
        last_lot - n_joiners / sum(n_joiners) over () as first_lot
    from joiners_by_day
),

-- lots of controls, rescaled to [0, 1), fall on days in proportion to that day's joiners
not_yet_joined as (
    select
        users.*,
        days.joined_day as looked_at_day,
        days.n_joiners,
        row_number() over (partition by days.joined_day order by users.lot) as day_rank,
        count(*) over (partition by days.joined_day) / days.n_joiners as controls_per_joiner
    from users
    inner join days
        on (users.lot - 0.7) / 0.3 >= days.first_lot and (users.lot - 0.7) / 0.3 < days.last_lot
    where
        users.eligible_at <= days.joined_day
        and (users.joined_day is null or users.joined_day > days.joined_day)
),

-- the same number of controls per joiner every day keeps the index dates of the arms alike
ratio as (
    select floor(min(controls_per_joiner) * 10) / 10 as controls_per_joiner from not_yet_joined
),

cohort as (
    select
        user_id as unit_id,
        1 as treatment,
        joined_day as treated_at,
        eligible_at,
        cast(null as timestamp) as later_treated_at
    from joiners
    union all
    select
        not_yet_joined.user_id as unit_id,
        0 as treatment,
        not_yet_joined.looked_at_day as treated_at,
        not_yet_joined.eligible_at,
        not_yet_joined.joined_at as later_treated_at
    from not_yet_joined
    cross join ratio
    where not_yet_joined.day_rank <= floor(ratio.controls_per_joiner * not_yet_joined.n_joiners)
)

select * from cohort
