"""The simulated confounding is of the kind that adjustment removes: in nearly every world, not in a lucky one."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pytest

from estimators import aipw, cem, difference

pytestmark = pytest.mark.slow

N_WORLDS, N_USERS = 20, 6000
COVARIATES = ["sessions_7d", "sessions_28d", "messages_7d", "is_ios", "is_web"]
CUTPOINTS = {
    "sessions_7d": (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 7.5, 10.5),
    "messages_7d": (0.5, 1.5, 3.5, 7.5),
    "sessions_28d": (6.5, 12.5, 22.5),
}
PUSH = """
    with cohort as (
        select user_id, (platform = 'ios')::int as is_ios, (platform = 'web')::int as is_web,
            (user_id in (select user_id from pushes where campaign = 'spring_comeback'))::int as treatment
        from users where signed_up_at <= timestamp '2026-04-08' - interval 28 day
    ),
    sessions_of as (select user_id, date_diff('day', timestamp '2026-04-08', started_at) as day from sessions),
    messages_of as (select user_id, date_diff('day', timestamp '2026-04-08', sent_at) as day from messages),
    session_counts as (
        select user_id, count(*) filter (where day between -7 and -1) as sessions_7d,
            count(*) filter (where day between -28 and -1) as sessions_28d,
            count(*) filter (where day between -35 and -29) as placebo,
            count(*) filter (where day between 0 and 6) as outcome
        from sessions_of group by user_id
    ),
    message_counts as (
        select user_id, count(*) filter (where day between -7 and -1) as messages_7d from messages_of group by user_id
    )
    select cohort.*, coalesce(sessions_7d, 0) as sessions_7d, coalesce(sessions_28d, 0) as sessions_28d,
        coalesce(messages_7d, 0) as messages_7d, coalesce(placebo, 0) as placebo, coalesce(outcome, 0) as outcome
    from cohort left join session_counts using (user_id) left join message_counts using (user_id)
"""


@dataclass(frozen=True)
class Found:
    """One world: deviations from the truth in standard errors, the placebo in SDs, the matched share."""

    aipw: float
    cem: float
    raw: float
    placebo: float
    matched_share: float


@pytest.fixture(scope="module")
def worlds(simulate) -> list[Found]:
    return [world(simulate.simulate(N_USERS, 104, seed)) for seed in range(N_WORLDS)]


def world(tables) -> Found:
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    rows = connection.execute(PUSH).df()
    truths = dict(zip(tables["truth"]["study_id"].to_pylist(), tables["truth"]["effect"].to_pylist(), strict=True))
    truth = truths["push_campaign"]
    asked = {"treatment": "treatment", "covariates": COVARIATES, "estimand": "ATT"}
    matched = cem(rows, outcome="outcome", cutpoints=CUTPOINTS, **asked)
    raw = difference(rows, treatment="treatment", outcome="outcome")
    adjusted = aipw(rows, outcome="outcome", folds=1, **asked)
    placebo = aipw(rows, outcome="placebo", folds=1, **asked)
    deviations = [(effect.estimate - truth) / effect.std_error for effect in (adjusted, matched, raw)]
    share = matched.n_treated / rows["treatment"].sum()
    return Found(*deviations, placebo.estimate / rows["placebo"].std(), share)


@pytest.mark.parametrize("method", ["aipw", "cem"])
def test_intervals_cover_the_truth_in_nine_of_ten_worlds(worlds, method):
    assert np.mean([abs(getattr(found, method)) < 1.96 for found in worlds]) >= 0.9


def test_the_raw_difference_misses_the_truth_in_every_world(worlds):
    assert all(found.raw > 1.96 for found in worlds)


def test_the_placebo_outcome_shows_no_bias_on_average(worlds):
    placebos = [found.placebo for found in worlds]
    assert abs(np.mean(placebos)) < 3 * np.std(placebos) / np.sqrt(len(placebos))
    assert max(map(abs, placebos)) < 0.1


def test_matching_keeps_most_of_the_treated(worlds):
    assert min(found.matched_share for found in worlds) > 0.8
