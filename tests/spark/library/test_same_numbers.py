"""Every method and every check, on the same rows in DuckDB and in Spark: the same numbers to 1e-8, the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import estimators
from estimators.effects import aipw as aipw_module
from tests.checks import experiments, panels, simulated
from tests.checks import test_instrument_studies as instruments
from tests.effects.simulated_panels import staggered
from tests.effects.test_conformance import COVARIATES, sample
from tests.spark.library.frames import dataframe
from tests.spark.sameness import differences, records


class Case(NamedTuple):
    """A call on data, whatever holds them."""

    name: str
    frame: Callable[[], pd.DataFrame]
    call: Callable[[Any], Any]


def units() -> pd.DataFrame:
    frame = sample(3, n=600).assign(unit_id=range(600))
    random = np.random.default_rng(5)
    other = frame["outcome"] + random.normal(size=600)
    place = np.where(frame["x"] > 0, "it's hilly", "back\\slash")
    return frame.assign(home=frame["unit_id"] % 60, weight=random.uniform(0.5, 2.0, 600), other=other, place=place)


def rollout() -> pd.DataFrame:
    frame = staggered(1, n_units=200)
    is_on = (frame["cohort"] > 0) & (frame["time"] >= frame["cohort"])
    return frame.assign(treated=is_on.astype(int), kind=np.where(frame["v"] > 0, "p", "q"))


def lottery() -> pd.DataFrame:
    frame = instruments.table(3000)
    return frame.assign(home=frame["unit_id"] % 100, kind=np.where(frame["covariate_age"] > 0, "a", "b"))


def one_series() -> pd.DataFrame:
    long = panels.series(n_controls=3)
    wide = long.pivot(index="period", columns="series_id", values="outcome_sales").reset_index()
    return wide.rename(columns=lambda name: name.replace(" ", "_"))


TWO = ["outcome", "other"]
CASES = [
    Case(
        "difference",
        units,
        lambda d: estimators.difference(d, "treatment", TWO, COVARIATES, segment="place", weights="weight"),
    ),
    Case(
        "difference by cluster",
        units,
        lambda d: estimators.difference(d, "treatment", "outcome", COVARIATES, cluster="home"),
    ),
    Case(
        "cem",
        units,
        lambda d: estimators.cem(d, "treatment", TWO, COVARIATES, cutpoints={"x": "fd", "z": "q3"}, segment="place"),
    ),
    Case(
        "cem by cluster",
        units,
        lambda d: estimators.cem(d, "treatment", "outcome", COVARIATES, bins=3, cluster="home", weights="weight"),
    ),
    Case("aipw", units, lambda d: estimators.aipw(d, "treatment", TWO, COVARIATES, segment="place", unit="unit_id")),
    Case(
        "aipw by cluster",
        units,
        lambda d: estimators.aipw(
            d, "treatment", "outcome", COVARIATES, cluster="home", weights="weight", estimand="ATO"
        ),
    ),
    Case(
        "iv",
        lottery,
        lambda d: estimators.iv(
            d, "treatment", "outcome_earnings", "instrument_lottery", ["covariate_age", "kind"], cluster="home"
        ),
    ),
    Case(
        "panel",
        rollout,
        lambda d: estimators.panel(d, "unit", "time", "treated", "y", ["v", "kind"], cluster="state", weights="weight"),
    ),
    Case(
        "did",
        rollout,
        lambda d: estimators.did(d, "unit", "time", "cohort", "y", ["x"], cluster="state", aggregate="dynamic"),
    ),
    Case(
        "did with gaps",
        lambda: rollout().sample(frac=0.9, random_state=1),
        lambda d: estimators.did(d, "unit", "time", "cohort", "y", control="not_yet", base_period="universal"),
    ),
    Case(
        "bsts",
        one_series,
        lambda d: estimators.bsts(
            d, "period", "home", ["town_00", "town_01", "town_02"], intervention=61, n_chains=2, n_draws=200
        ),
    ),
    Case(
        "synthetic control",
        panels.series,
        lambda d: estimators.synthetic_control(d, "series_id", "period", "outcome_sales", "home", 61),
    ),
    Case(
        "randomization test",
        lambda: experiments.experiment(120),
        lambda d: estimators.randomization_test(d, "t", "y", ["x", "w"], law="stratified", strata="block", n_draws=200),
    ),
]
STUDIES = [
    Case(
        "observational study",
        lambda: simulated.simulated(1500, confounding=0.4),
        lambda d: estimators.analyse(
            d, simulated.study(design="observational", methods=["cem", "aipw", "difference"]), study_id="push"
        ),
    ),
    Case("study with an instrument", lottery, lambda d: estimators.analyse(d, instruments.study(), study_id="course")),
    Case(
        "study of a panel",
        lambda: panels.panel(n_units=300),
        lambda d: estimators.analyse(d, panels.panel_study(methods=["did", "panel"]), study_id="shops"),
    ),
    Case(
        "study of series",
        panels.series,
        lambda d: estimators.analyse(d, panels.series_study(), study_id="town"),
    ),
]


def assert_same(case: Case, spark: Any) -> None:
    frame = case.frame()
    found, wanted = case.call(dataframe(spark, frame)), case.call(frame)
    if isinstance(wanted, estimators.Results):
        found, wanted = records(found), records(wanted)
    assert list(differences(found, wanted)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_method_gives_the_numbers_of_duckdb(case, classic):
    assert_same(case, classic)


@pytest.mark.slow
@pytest.mark.parametrize("case", STUDIES, ids=lambda c: c.name)
def test_a_study_gives_the_tables_of_duckdb(case, classic):
    assert_same(case, classic)


@pytest.mark.parametrize("case", [CASES[4], CASES[8], STUDIES[1]], ids=lambda c: c.name)
def test_connect_gives_the_numbers_of_duckdb(case, connect):
    assert_same(case, connect)


@pytest.mark.slow
def test_doubly_robust_sums_by_sql_are_those_of_duckdb(classic, monkeypatch):
    """Larger data are summed by SQL instead of in blocks."""
    monkeypatch.setattr(aipw_module, "EXACT_ROWS", 100)

    def call(data: Any) -> Any:
        options = {"segment": "place", "cluster": "home", "weights": "weight", "repetitions": 1}
        return estimators.aipw(data, "treatment", TWO, COVARIATES, estimand="ATE", **options)

    assert_same(Case("aipw by sql", units, call), classic)


def test_a_difference_between_the_engines_would_be_seen(classic):
    """The comparison itself: one outcome moved a little is another number."""
    frame = units()
    moved = frame.assign(outcome=frame["outcome"] + 1e-4 * (frame["unit_id"] == 0) * frame["outcome"].std())
    call = CASES[1].call
    assert list(differences(call(dataframe(classic, moved)), call(frame))) != []


def test_bad_data_are_refused_in_the_same_words(classic):
    frame = units()
    frame.loc[frame.index > 590, "outcome"] = np.inf
    texts = []
    for data in (frame, dataframe(classic, frame)):
        with pytest.raises(estimators.CausalError) as refused:
            estimators.cem(data, "treatment", "outcome", COVARIATES)
        texts.append(str(refused.value))
    assert texts[0] == texts[1]
    assert texts[0].startswith("CAUSAL-011")
