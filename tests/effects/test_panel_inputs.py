"""What a panel that cannot be used is answered, word for word."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from estimators.effects.method import PanelSpec
from estimators.effects.panel import panel, panel_design
from estimators.errors import CausalError
from estimators.warehouse import as_relation


def small() -> pd.DataFrame:
    """12 units in 5 periods; the upper half is treated from period 3 on."""
    unit, period = (a.ravel() for a in np.meshgrid(np.arange(12), np.arange(1, 6), indexing="ij"))
    frame = pd.DataFrame({"unit": unit, "period": period, "treatment": ((unit > 5) & (period > 2)).astype(int)})
    random = np.random.default_rng(0)
    frame["outcome"], frame["x"], frame["weight"] = (*random.normal(size=(2, 60)), 1.0)
    return frame.assign(one="all", age=frame["period"] + frame["unit"], text="t" + frame.index.astype(str))


def refused(frame: pd.DataFrame, treatment="treatment", outcome="outcome", **options) -> str:
    with pytest.raises(CausalError) as caught:
        panel(frame, "unit", "period", treatment, outcome, **options)
    return str(caught.value)


def test_duplicates_of_unit_and_period():
    message = refused(pd.concat([small(), small().iloc[[3, 4, 17]]]))
    message = re.sub(r"[0-9a-f]{8}, [0-9a-f]{8}", "<hashes>", message)
    assert message == (
        "CAUSAL-026 duplicates of (unit, period)\n"
        "  3 combinations have several rows of 63\n"
        "  examples (md5 of unit): <hashes>\n"
        "  fix: make the panel one row per unit and period; a join that fans out is the usual cause\n"
        "  more: docs/errors.md#causal-026"
    )


@pytest.mark.parametrize("effects", [("unit", "time"), ("unit",), ("time",), ()], ids=lambda e: "+".join(e) or "none")
def test_duplicates_are_seen_whatever_the_effects(effects):
    assert "duplicates of (unit, period)" in refused(pd.concat([small(), small().iloc[[3]]]), effects=effects)


def test_one_period():
    assert refused(small().query("period == 4")) == (
        "CAUSAL-026 one period\n"
        "  all 12 rows have the same period\n"
        "  fix: a panel needs several periods; in one period compare units (difference, cem, aipw)\n"
        "  more: docs/errors.md#causal-026"
    )


def test_treated_throughout():
    assert refused(small().assign(treatment=1)) == (
        "CAUSAL-026 treated throughout\n"
        "  treatment has one value in all 60 rows: no unit is seen without it\n"
        "  fix: add periods before the treatment, or untreated units\n"
        "  more: docs/errors.md#causal-026"
    )


def test_a_treatment_that_never_changes_within_a_unit():
    frame = small()
    assert refused(frame.assign(treatment=(frame["unit"] > 5).astype(int))) == (
        "CAUSAL-026 treatment never changes on its own\n"
        "  treatment: the effects of unit and period leave nothing of it\n"
        "  6 of 12 units are treated, 6 of them in all periods\n"
        "  fix: some units must change treatment, and not all of them in the same period\n"
        "  more: docs/errors.md#causal-026"
    )


def test_a_treatment_of_everybody_at_once():
    frame = small()
    message = refused(frame.assign(treatment=(frame["period"] > 2).astype(int)))
    assert "12 of 12 units are treated, 0 of them in all periods" in message


def test_nobody_treated():
    assert refused(small().assign(treatment=0)) == (
        "CAUSAL-012 treatment is constant\n"
        "  treatment is 0 in all 60 rows\n"
        "  fix: check the cohort's treatment\n"
        "  more: docs/errors.md#causal-012"
    )


def test_covariates_that_the_effects_determine():
    assert refused(small(), covariates=["age", "x"]) == (
        "CAUSAL-020 covariates determined by the fixed effects\n"
        "  age: the effects of unit and period leave nothing of it\n"
        "  fix: drop them: the effects adjust for everything that they could\n"
        "  more: docs/errors.md#causal-020"
    )


def test_collinear_covariates():
    frame = small()
    frame["again"] = 2 * frame["x"] - frame["treatment"] + frame["unit"]
    assert refused(frame, covariates=["x", "again"]) == (
        "CAUSAL-020 collinear covariates\n"
        "  again: determined by the columns before, given the effects of unit and period\n"
        "  fix: drop them: the others determine them\n"
        "  more: docs/errors.md#causal-020"
    )


def test_an_outcome_without_variation():
    assert refused(small(), outcome="age") == (
        "CAUSAL-028 outcome without variation\n"
        "  age: the effects of unit and period leave nothing of it\n"
        "  fix: check the outcome, or use fewer effects\n"
        "  more: docs/errors.md#causal-028"
    )


def test_more_coefficients_than_rows():
    frame = small().query("unit > 4 and unit < 7 and period > 1 and period < 4")
    assert refused(frame) == (
        "CAUSAL-023 no degrees of freedom\n"
        "  4 rows for 4 coefficients, fixed effects included\n"
        "  fix: use fewer effects or covariates, or more periods\n"
        "  more: docs/errors.md#causal-023"
    )


def test_one_cluster():
    assert refused(small(), cluster="one") == (
        "CAUSAL-023 one cluster\n"
        "  one has 1 cluster\n"
        "  fix: no standard error exists; use finer ones\n"
        "  more: docs/errors.md#causal-023"
    )


def test_a_category_with_too_many_levels():
    assert "CAUSAL-022 category with too many levels\n  text has " in refused(small(), covariates=["text"])


def test_no_rows():
    assert "CAUSAL-023 no rows" in refused(small().iloc[:0])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"outcome": np.nan}, "CAUSAL-010 nulls in the data\n  outcome 1 of 60 rows"),
        ({"period": None}, "CAUSAL-010 nulls in the data\n  period 1 of 60 rows"),
        ({"unit": None}, "CAUSAL-010 nulls in the data\n  unit 1 of 60 rows"),
        ({"x": np.inf}, "CAUSAL-011 infinite or NaN values\n  x 1 of 60 rows"),
        ({"weight": -1.0}, "CAUSAL-024 weights must be positive\n  weight is zero or negative in 1 of 60 rows"),
        ({"treatment": np.inf}, "CAUSAL-011 infinite or NaN values\n  treatment 1 of 60 rows"),
    ],
    ids=str,
)
def test_values_that_cannot_be_used(change, wanted):
    column, value = next(iter(change.items()))
    frame = small()
    frame[column] = frame[column].astype(float).where(frame.index != 7, value)
    assert wanted in refused(frame, covariates=["x"], weights="weight")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"covariates": ["treatmnt"]}, "no column treatmnt\n  fix: did you mean treatment?"),
        ({"outcome": "one"}, "one is of kind text, wanted number or boolean\n  fix: cast or derive one first"),
        ({"cov": "hac"}, "cov is hac; allowed: cluster, robust, unadjusted\n  fix: set cov to one of these"),
        ({"convention": "stata"}, "convention is stata; allowed: fixest, linearmodels"),
        ({"effects": ("unit", "period")}, "effects are unit, period; allowed: unit, time, both or none"),
        ({"cluster": ("unit", "period", "one")}, "got unit, period, one\n  fix: name one or two different columns"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_options_that_do_not_exist(options, wanted):
    message = refused(small(), **options)
    assert wanted in message
    assert message.count("\n") < 6


def test_pre_trends_need_two_periods_before_treatment():
    relation = as_relation(small().query("period > 1"))
    design = panel_design(relation, PanelSpec("unit", "period", treatment="treatment"))
    with pytest.raises(CausalError) as caught:
        design.pre_trends(["outcome"])
    assert str(caught.value) == (
        "CAUSAL-026 no pre-trends\n"
        "  no treated unit is seen two periods before its treatment, beside others\n"
        "  fix: add earlier periods: trends cannot be compared without them\n"
        "  more: docs/errors.md#causal-026"
    )
