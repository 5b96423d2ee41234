"""The Goodman-Bacon decomposition: its sum is the two-way coefficient, its parts are the 2x2 comparisons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects.goodman_bacon import goodman_bacon
from estimators.effects.panel import panel
from estimators.errors import CausalError

KINDS = {
    "treated vs never treated",
    "earlier vs later treated",
    "later vs earlier treated",
    "later vs always treated",
}


def staggered(seed: int = 0, starts=(0, 3, 5, 8, 99), n_units: int = 120, n_periods: int = 10) -> pd.DataFrame:
    """Units that start treatment in one of several periods (0: always treated, 99: never); the effect grows by .3."""
    random = np.random.default_rng(seed)
    unit, period = (a.ravel() for a in np.meshgrid(np.arange(n_units), np.arange(n_periods), indexing="ij"))
    start = random.choice(starts, n_units)[unit]
    d = (period >= start).astype(int)
    outcome = 1e3 + random.normal(size=n_units)[unit] + 0.3 * d * (period - start + 1) + random.normal(size=len(unit))
    return pd.DataFrame({"unit": unit, "period": 2000 + period, "start": start, "d": d, "y": outcome})


def decomposed(frame: pd.DataFrame):
    return goodman_bacon(frame, "unit", "period", "d", "y")


@pytest.mark.parametrize("starts", [(3, 5, 99), (0, 3, 5, 8, 99), (2, 4), (0, 4)], ids=str)
def test_weights_sum_to_one_and_reproduce_the_two_way_coefficient(starts):
    frame = staggered(1, starts)
    found = decomposed(frame)
    assert sum(c.weight for c in found.comparisons) == pytest.approx(1.0, abs=1e-12)
    assert found.estimate == pytest.approx(panel(frame, "unit", "period", "d", "y").estimate, abs=1e-10)


def test_every_kind_of_comparison_occurs():
    assert set(decomposed(staggered(2)).by_kind) == KINDS


def test_each_estimate_is_the_two_way_coefficient_of_its_two_cohorts_and_periods():
    frame = staggered(3)
    for c in decomposed(frame).comparisons:
        treated = c.treated - 2000
        control = 99 if c.control is None else c.control - 2000
        pair = frame[frame["start"].isin([treated, control])]
        if control != 99:  # the periods in which the control does not change
            keep = pair["period"] < c.control if control > treated else pair["period"] >= c.control
            pair = pair[keep]
        wanted = panel(pair, "unit", "period", "d", "y").estimate
        assert c.estimate == pytest.approx(wanted, rel=1e-9), c


def test_weights_are_those_of_the_theorem():
    """Goodman-Bacon (2021), equations 10e to 10g, computed from the shares of units and of treated periods."""
    frame = staggered(4, starts=(3, 6, 99))
    units = frame.groupby("start")["unit"].nunique() / frame["unit"].nunique()
    n, share = units.to_dict(), {3: 0.7, 6: 0.4}
    early, late, never = 3, 6, 99
    wanted = {
        ("treated vs never treated", early): n[early] * n[never] * share[early] * (1 - share[early]),
        ("treated vs never treated", late): n[late] * n[never] * share[late] * (1 - share[late]),
        ("earlier vs later treated", early): n[early] * n[late] * (share[early] - share[late]) * (1 - share[early]),
        ("later vs earlier treated", late): n[early] * n[late] * share[late] * (share[early] - share[late]),
    }
    found = {(c.kind, c.treated - 2000): c.weight for c in decomposed(frame).comparisons}
    total = sum(wanted.values())
    assert found == pytest.approx({key: value / total for key, value in wanted.items()}, rel=1e-12)


def test_a_hand_computed_example():
    """Three units, three periods: one treated from the second, one from the third, one never."""
    frame = pd.DataFrame(
        {
            "unit": [1, 1, 1, 2, 2, 2, 3, 3, 3],
            "period": [1, 2, 3] * 3,
            "d": [0, 1, 1, 0, 0, 1, 0, 0, 0],
            "y": [0.0, 2.0, 4.0, 0.0, 0.0, 3.0, 0.0, 0.0, 1.0],
        }
    )
    found = {(c.kind, c.treated): (c.weight, c.estimate) for c in decomposed(frame).comparisons}
    assert found == {
        ("treated vs never treated", 2): (pytest.approx(1 / 3), pytest.approx(2.5)),
        ("treated vs never treated", 3): (pytest.approx(1 / 3), pytest.approx(2.0)),
        ("earlier vs later treated", 2): (pytest.approx(1 / 6), pytest.approx(2.0)),
        ("later vs earlier treated", 3): (pytest.approx(1 / 6), pytest.approx(1.0)),
    }


def test_forbidden_comparisons_are_wrong_where_effects_grow():
    found = decomposed(staggered(5, n_units=2_000)).by_kind
    assert found["earlier vs later treated"]["estimate"] > 0.3
    assert found["later vs always treated"]["estimate"] < 0


def test_the_decomposition_stands_beside_a_staggered_regression():
    found = panel(staggered(6), "unit", "period", "d", "y").diagnostics["goodman_bacon"]
    weights = [found[kind]["weight"] for kind in KINDS]
    assert sum(weights) == pytest.approx(1.0)
    assert found["forbidden_weight"] == pytest.approx(
        found["later vs earlier treated"]["weight"] + found["later vs always treated"]["weight"]
    )


def test_there_is_none_beside_a_treatment_that_starts_once():
    assert "goodman_bacon" not in panel(staggered(7, (4, 99)), "unit", "period", "d", "y").diagnostics


@pytest.mark.parametrize("change", ["gaps", "covariate", "stops"])
def test_it_says_why_it_is_not_there(change):
    frame = staggered(8).assign(x=lambda f: f["y"] ** 2)
    if change == "gaps":
        frame = frame.drop(index=5)
    if change == "stops":
        frame.loc[frame["period"] == 2009, "d"] = 0
    found = panel(frame, "unit", "period", "d", "y", ["x"] if change == "covariate" else ())
    reason = {"stops": "the treatment is not 0/1, or ends"}
    wanted = reason.get(change, "it needs one treatment, no covariates, no weights and no gaps")
    assert found.diagnostics["goodman_bacon"] == {"not_evaluated": wanted}


def refused(frame: pd.DataFrame) -> str:
    with pytest.raises(CausalError) as caught:
        decomposed(frame)
    return str(caught.value)


def test_panel_gaps_are_refused():
    assert refused(staggered(9).drop(index=[4, 40])) == (
        "CAUSAL-026 panel gaps\n"
        "  2 of 1,200 combinations of unit and period are missing\n"
        "  fix: the decomposition needs a balanced panel; did does not\n"
        "  more: docs/errors.md#causal-026"
    )


def test_a_treatment_that_ends_is_refused():
    frame = staggered(10)
    frame.loc[frame["period"] == 2009, "d"] = 0
    assert refused(frame) == (
        "CAUSAL-026 treatment that does not stay\n"
        "  d is not 0 before a unit's first treated period and 1 from then on\n"
        "  fix: the decomposition is for absorbing treatments\n"
        "  more: docs/errors.md#causal-026"
    )


def test_a_treatment_of_all_at_once_is_refused():
    assert refused(staggered(11, (4,))) == (
        "CAUSAL-026 treatment never changes on its own\n"
        "  d starts for all units at once, or for none\n"
        "  fix: some units must not be treated, or later\n"
        "  more: docs/errors.md#causal-026"
    )
