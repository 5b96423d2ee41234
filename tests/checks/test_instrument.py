"""The checks of instrumental variables, each with a case that must fail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.checks import instrument, instrument_agreement, instrument_balance
from estimators.effects.first_stage import critical_value
from estimators.effects.iv import IvDesign, iv_design
from estimators.effects.method import Spec
from estimators.warehouse import as_relation

MARGIN = 0.1


def sample(strength: float, leak: float = 0.0, n: int = 20_000) -> pd.DataFrame:
    """leak: how far the instrument depends on a variable that is held out of the covariates."""
    random = np.random.default_rng(1)
    held_out, x, u = random.normal(size=(3, n))
    z = leak * held_out + x + random.normal(size=n)
    second = random.normal(size=n)
    d = strength * (z + second) + u + random.normal(size=n)
    outcome = d + u + second * (strength < 0.5)
    return pd.DataFrame({"treatment": d, "z": z, "second": second, "x": x, "held_out": held_out, "outcome": outcome})


def design(frame: pd.DataFrame, instruments=("z",)) -> IvDesign:
    return iv_design(as_relation(frame), Spec("treatment", ("x",), "LATE", options={"instruments": instruments}))


def test_a_strong_instrument_passes():
    found = instrument.check(design(sample(1.0)))
    assert found.status == "pass"
    assert found.threshold == pytest.approx(23.1, abs=0.05)


def test_a_borderline_instrument_warns():
    found = instrument.check(design(sample(0.035)))
    assert 10 < found.statistic < found.threshold
    assert (found.status, found.code) == ("warn", "025")


def test_a_weak_instrument_fails_and_does_not_keep_its_set_from_being_published():
    found = instrument.check(design(sample(0.01)))
    assert (found.status, found.code, found.blocks) == ("fail", "025", False)
    assert found.reason.startswith("weak instrument; effective F ")
    assert "the estimate is withheld, its Anderson-Rubin set is not" in found.reason


def test_several_endogenous_variables_are_not_evaluated():
    found = instrument.several_treatments(["a", "b"])
    assert (found.status, found.blocks) == ("not_evaluated", True)


@pytest.mark.parametrize(("k", "wanted"), [(1, 23.1085), (2, 19.2943), (3, 17.6687), (10, 14.5312)])
def test_the_critical_value_depends_on_the_number_of_instruments(k, wanted):
    assert critical_value(np.eye(k)) == pytest.approx(wanted, abs=1e-4)


def test_instruments_of_very_unequal_precision_need_what_one_alone_needs():
    assert critical_value(np.diag([1.0, 1e-9])) == pytest.approx(critical_value(np.eye(1)), rel=1e-6)


def test_instruments_that_agree_pass_and_those_that_do_not_only_warn():
    agree, contradict = (
        design(sample(strength), ("z", "second")).estimate(["outcome"]).effects for strength in (1.0, 0.4)
    )
    assert [c.status for c in instrument_agreement.check(agree)] == ["pass"]
    (found,) = instrument_agreement.check(contradict)
    assert (found.status, found.blocks) == ("warn", False)


def test_one_instrument_has_nothing_to_agree_with():
    assert instrument_agreement.check(design(sample(1.0)).estimate(["outcome"]).effects) == []


def balance(frame: pd.DataFrame):
    sd = {"held_out": float(frame["held_out"].std())}
    (found,) = instrument_balance.check(design(frame.drop(columns="outcome")), ["held_out"], sd, MARGIN, "seed")
    return found


def test_an_instrument_that_is_as_good_as_random_is_balanced():
    found = balance(sample(1.0))
    assert found.status == "pass"
    assert found.bias_bound < MARGIN


def test_an_instrument_that_follows_a_held_out_variable_is_not():
    found = balance(sample(1.0, leak=0.3))
    assert found.status == "fail"
    assert found.reason.startswith("the instrument is not as good as random: held_out differs by ")


def test_the_implied_bias_is_the_imbalance_over_the_first_stage():
    frame = sample(1.0, leak=0.3)
    residual = {}
    for column in ("z", "held_out", "treatment"):
        slope, constant = np.polyfit(frame["x"], frame[column], 1)
        residual[column] = frame[column] - slope * frame["x"] - constant
    imbalance, stage = (
        residual["z"] @ residual[c] / (residual["z"] @ residual["z"]) for c in ("held_out", "treatment")
    )
    assert balance(frame).statistic == pytest.approx(imbalance / stage / frame["held_out"].std(), rel=1e-9)


def test_few_units_show_too_little_power():
    found = balance(sample(1.0, n=200))
    assert (found.status, found.blocks) == ("not_evaluated", True)
    assert found.reason.startswith("too little power")


def test_without_a_held_out_variable_balance_is_not_evaluated():
    (found,) = instrument_balance.check(design(sample(1.0)), [], {}, MARGIN, "seed")
    assert (found.status, found.blocks) == ("not_evaluated", True)


def test_the_balance_of_a_weak_instrument_is_not_evaluated():
    assert balance(sample(0.01)).status == "not_evaluated"
