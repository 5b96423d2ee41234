"""A simulation that the field measures itself on: covariates of the IHDP with response surface B of Hill (2011)."""

from __future__ import annotations

import pytest

from estimators import aipw
from tests.datasets import ihdp

COVARIATES = [f"x{i}" for i in range(1, 26)]
SEEDS = (1, 2, 3, 5, 6)


@pytest.fixture(scope="module")
def replications():
    found = []
    for seed in SEEDS:
        frame, truth = ihdp(seed)
        found.append((aipw(frame, "treatment", "outcome", COVARIATES, estimand="ATE", folds=1), truth))
    return found


def test_recovers_the_ate_of_the_ihdp_simulation(replications):
    assert [abs(effect.estimate - truth) <= 0.2 for effect, truth in replications] == [True] * len(SEEDS)


def test_intervals_cover_the_ate_of_the_ihdp_simulation(replications):
    assert sum(effect.ci_lower <= truth <= effect.ci_upper for effect, truth in replications) >= 4
