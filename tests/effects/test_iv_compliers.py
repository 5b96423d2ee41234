"""The covariates of compliers, where a simulation knows who they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects.iv import iv_design
from estimators.effects.iv_compliers import compliers
from estimators.effects.method import Spec
from estimators.errors import CausalError
from estimators.warehouse import as_relation


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Compliers are older and more often of kind b; the others always or never take the treatment."""
    random = np.random.default_rng(5)
    n = 40_000
    age, kind = random.normal(40.0, 10.0, n), random.choice(["a", "b"], n)
    is_complier = random.random(n) < np.where(kind == "b", 0.6, 0.2) + 0.01 * (age - 40.0)
    z, always = random.integers(0, 2, n), random.integers(0, 2, n)
    treatment = np.where(is_complier, z, always)
    return pd.DataFrame({"treatment": treatment, "z": z, "age": age, "kind": kind, "is_complier": is_complier})


def found(frame: pd.DataFrame, instrument: str = "z") -> dict:
    spec = Spec("treatment", ("age", "kind"), "LATE", options={"instruments": (instrument,)})
    return {c.covariate: c for c in compliers(iv_design(as_relation(frame), spec))}


def test_means_of_compliers_are_those_of_the_units_that_are(frame):
    rows, truth = found(frame), frame[frame["is_complier"]]
    assert rows["age"].mean_compliers == pytest.approx(truth["age"].mean(), abs=0.5)
    assert rows["kind = b"].mean_compliers == pytest.approx((truth["kind"] == "b").mean(), abs=0.03)


def test_means_of_all_stand_beside_them(frame):
    assert found(frame)["age"].mean_all == pytest.approx(frame["age"].mean(), rel=1e-12)


def test_a_number_as_instrument_has_no_compliers_to_describe(frame):
    with pytest.raises(CausalError, match="CAUSAL-001 compliers cannot be counted"):
        found(frame.assign(z=frame["z"] + frame["age"]))
