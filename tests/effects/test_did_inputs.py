"""Panels that must be refused, each with its whole message."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import did
from estimators.effects.did import did_design
from estimators.effects.method import PanelSpec
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from tests.effects.simulated_panels import staggered

COLUMNS = {"unit": "unit", "time": "time", "cohort": "cohort", "outcome": "y"}
PANEL = staggered(seed=1, n_units=60)


def said(frame: pd.DataFrame, **options) -> str:
    with pytest.raises(CausalError) as caught:
        did(frame, **{**COLUMNS, **options})
    return str(caught.value)


def test_repeated_rows():
    assert said(pd.concat([PANEL, PANEL[PANEL["unit"] == 7]])) == (
        "CAUSAL-026 duplicates of (unit, time)\n"
        "  6 rows repeat a pair of (unit, time), e.g. for unit 7\n"
        "  fix: aggregate to one row per unit and period\n"
        "  more: docs/errors.md#causal-026"
    )


def test_one_period():
    assert said(PANEL[PANEL["time"] == 3]) == (
        "CAUSAL-026 one period\n"
        "  time has 1 distinct value\n"
        "  fix: add periods: a change over time needs two of them\n"
        "  more: docs/errors.md#causal-026"
    )


def test_treated_throughout():
    assert said(PANEL.assign(cohort=1)) == (
        "CAUSAL-026 treated throughout\n"
        "  all 360 rows are from after treatment began\n"
        "  fix: add periods from before treatment, or untreated units\n"
        "  more: docs/errors.md#causal-026"
    )


def test_some_treated_throughout_and_the_others_never():
    assert said(PANEL.assign(cohort=np.where(PANEL["unit"] < 20, 1, 0))) == (
        "CAUSAL-026 treated throughout\n"
        "  20 units were treated throughout, 40 never\n"
        "  fix: add periods from before the treatment began\n"
        "  more: docs/errors.md#causal-026"
    )


def test_nobody_treated():
    assert said(PANEL.assign(cohort=0)) == (
        "CAUSAL-012 treatment is constant\n"
        "  0 of 360 treated\n"
        "  fix: check the cohort's treatment\n"
        "  more: docs/errors.md#causal-012"
    )


def test_nobody_never_treated():
    assert said(PANEL[PANEL["cohort"] > 0]) == (
        "CAUSAL-026 no never-treated units\n"
        "  every unit is treated at some time\n"
        "  fix: compare with the not yet treated: control='not_yet'\n"
        "  more: docs/errors.md#causal-026"
    )


def test_everybody_treated_at_once():
    assert said(PANEL.assign(cohort=4), control="not_yet") == (
        "CAUSAL-026 no comparison after treatment\n"
        "  no cohort has a period after treatment with controls to compare it with\n"
        "  fix: add untreated units, or later periods\n"
        "  more: docs/errors.md#causal-026"
    )


def test_a_cohort_that_changes():
    moved = PANEL.assign(cohort=PANEL["cohort"].where((PANEL["unit"] != 3) | (PANEL["time"] < 5), 5))
    assert said(moved) == (
        "CAUSAL-026 cohort changes within a unit\n"
        "  cohort has more than one value in 1 of 60 units\n"
        "  fix: give every row of a unit the period in which its treatment first began\n"
        "  more: docs/errors.md#causal-026"
    )


def test_weights_that_change():
    assert said(PANEL.assign(w=1.0 + PANEL["time"]), weights="w") == (
        "CAUSAL-026 weight changes within a unit\n"
        "  w has more than one value in 60 of 60 units\n"
        "  fix: give every row of a unit the same weight, e.g. that of its first period\n"
        "  more: docs/errors.md#causal-026"
    )


def test_clusters_that_change():
    assert said(PANEL.assign(c=PANEL["time"] % 3), cluster="c") == (
        "CAUSAL-026 cluster changes within a unit\n"
        "  c has more than one value in 60 of 60 units\n"
        "  fix: give every row of a unit the same cluster\n"
        "  more: docs/errors.md#causal-026"
    )


def test_units_never_seen_in_both_periods():
    gone = PANEL[~((PANEL["cohort"] == 4) & (PANEL["time"] == 3))]
    assert said(gone) == (
        "CAUSAL-026 panel gaps\n"
        f"  0 units and {n_never()} controls are seen in both periods that cohort 4 is compared with from 2 to 3\n"
        "  fix: leave the cohort out, or use periods in which its units are seen\n"
        "  more: docs/errors.md#causal-026"
    )


def n_never() -> int:
    return PANEL.loc[PANEL["cohort"] == 0, "unit"].nunique()


def test_covariates_that_separate_cohort_and_controls():
    message = said(PANEL.assign(x=(PANEL["cohort"] == 3) + 0.01 * PANEL["x"]), covariates=["x"])
    assert message.startswith("CAUSAL-014 no overlap\n  the covariates tell the units from their controls")
    assert message.endswith(
        "that cohort 3 is compared with from 1 to 2\n"
        "  fix: use fewer or coarser covariates, or method='reg'\n"
        "  more: docs/errors.md#causal-014"
    )


@pytest.mark.parametrize("method", ["dr", "reg", "ipw"])
def test_collinear_covariates(method):
    assert said(PANEL.assign(z=2.0 - PANEL["x"]), covariates=["x", "z"], method=method) == (
        "CAUSAL-020 collinear covariates\n"
        "  z: constant, or determined by the others, among the units that cohort 3 is compared with from 1 to 2\n"
        "  fix: drop them from the covariates\n"
        "  more: docs/errors.md#causal-020"
    )


def test_unknown_columns():
    assert said(PANEL, unit="units") == (
        "CAUSAL-003 unknown column\n  no column units\n  fix: did you mean unit?\n  more: docs/errors.md#causal-003"
    )


def test_periods_and_cohorts_that_do_not_compare():
    assert said(PANEL.assign(time=PANEL["time"].astype(str))) == (
        "CAUSAL-001 column of a wrong type\n"
        "  time is of kind text, cohort of kind number; wanted two numbers or two dates\n"
        "  fix: cast them to the same kind first\n"
        "  more: docs/errors.md#causal-001"
    )


def test_unknown_words():
    assert said(PANEL, control="nevertreated") == (
        "CAUSAL-001 unknown option\n"
        "  control is 'nevertreated', wanted 'never' or 'not_yet'\n"
        "  fix: choose one of them for control\n"
        "  more: docs/errors.md#causal-001"
    )


def test_unknown_options_of_a_definition():
    spec = PanelSpec("unit", "time", "cohort", None, (), None, None, "", {"controls": "never"})
    with pytest.raises(CausalError) as caught:
        did_design(as_relation(PANEL), spec, ("y",))
    assert str(caught.value) == (
        "CAUSAL-001 unknown option\n"
        "  no option controls\n"
        "  fix: the options of did are aggregate, anticipation, base_period, bootstrap, control, max_levels, method\n"
        "  more: docs/errors.md#causal-001"
    )


@pytest.mark.parametrize("column", ["unit", "time"])
def test_nulls_that_say_who_or_when(column):
    broken = PANEL.astype({column: float})
    broken.loc[5, column] = np.nan
    assert said(broken).startswith("CAUSAL-010 nulls in the data\n")


@pytest.mark.parametrize(("value", "code"), [(None, "010"), (np.inf, "011")])
def test_outcomes_that_are_no_numbers(value, code):
    broken = PANEL.copy()
    broken.loc[5, "y"] = value
    assert said(broken).startswith(f"CAUSAL-{code}")


def test_weights_of_zero():
    assert said(PANEL.assign(w=0.0), weights="w").startswith("CAUSAL-024 weights must be positive\n")


def test_no_rows():
    assert said(PANEL[:0]).startswith("CAUSAL-026 one period\n  time has 0 distinct values\n")
