"""Faults of the data are named with counts, all at once, before anything is estimated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects.inputs import require_valid
from estimators.errors import CausalError
from estimators.warehouse import as_relation


def study(**columns) -> pd.DataFrame:
    n = 200
    frame = {
        "treatment": np.arange(n) % 2,
        "outcome": np.arange(n, dtype=float),
        "age": np.arange(n) % 50,
        "country": np.array(["de", "fr"])[np.arange(n) // 2 % 2],
        "is_new": np.arange(n) % 3 == 0,
    }
    return pd.DataFrame({**frame, **columns})


def faults(frame: pd.DataFrame, **roles) -> dict[str, str]:
    arguments = {"treatment": "treatment", "outcomes": ["outcome"], "covariates": ["age", "country", "is_new"], **roles}
    with pytest.raises(CausalError) as caught:
        require_valid(as_relation(frame), **arguments)
    return {fault.code: str(fault) for fault in caught.value.faults}


def test_valid_columns_give_their_counts_ranges_and_levels():
    found = require_valid(as_relation(study()), "treatment", ["outcome"], ["age", "country", "is_new"])
    assert (found.n_units, found.n_treated, found.n_control) == (200, 100, 100)
    assert (found.minimum["age"], found.maximum["age"], found.maximum["is_new"]) == (0, 49, 1)
    assert found.levels == {"country": ("de", "fr")}
    assert found.constant(["age", "country"]) == ()


def test_constant_covariates_are_found():
    found = require_valid(as_relation(study(age=3, country="de")), "treatment", ["outcome"], ["age", "country"])
    assert found.constant(["age", "country", "outcome"]) == ("age", "country")


def test_unknown_columns_are_named_with_the_nearest_one():
    message = faults(study(), covariates=["agee"])["003"]
    assert message == (
        "CAUSAL-003 unknown column\n  no column agee\n  fix: did you mean age?\n  more: docs/errors.md#causal-003"
    )


def test_unknown_columns_that_resemble_none_list_the_known_ones():
    message = faults(study(), covariates=["zzz"])["003"]
    assert "fix: the data has treatment, outcome, age, country, is_new" in message


def test_nulls_are_counted_by_column():
    frame = study()
    frame.loc[:4, "outcome"] = np.nan
    frame.loc[7, "country"] = None
    assert faults(frame)["010"] == (
        "CAUSAL-010 nulls in the data\n"
        "  outcome 5, country 1 of 200 rows\n"
        "  fix: drop or fill these rows on purpose (missing_values in a study)\n"
        "  more: docs/errors.md#causal-010"
    )


def test_infinities_are_counted_by_column_and_apart_from_nulls():
    frame = study()
    frame["age"] = frame["age"].astype(float)
    frame.loc[:2, "age"] = [np.inf, -np.inf, np.nan]
    found = faults(frame)
    assert "age 2 of 200 rows" in found["011"]
    assert "age 1 of 200 rows" in found["010"]


@pytest.mark.parametrize(("value", "treated"), [(0, "0"), (1, "200")])
def test_a_constant_treatment_is_refused(value, treated):
    assert f"{treated} of 200 treated" in faults(study(treatment=value))["012"]


@pytest.mark.parametrize("value", [2, 0.5, -1])
def test_a_treatment_of_other_numbers_is_refused(value):
    frame = study(treatment=np.where(np.arange(200) % 2 == 0, value, 1))
    assert "treatment is neither 0 nor 1 in 100 of 200 rows" in faults(frame)["013"]


def test_a_treatment_of_text_is_refused_without_showing_its_values():
    message = faults(study(treatment=["yes", "no"] * 100))["013"]
    assert "treatment is of kind text" in message
    assert "yes" not in message


def test_a_boolean_treatment_counts_as_0_and_1():
    found = require_valid(as_relation(study(treatment=np.arange(200) % 4 == 0)), "treatment", ["outcome"], [])
    assert found.n_treated == 50


def test_a_category_with_too_many_levels_is_refused():
    frame = study(country=[f"c{i}" for i in range(200)])
    assert "levels; at most 50 are allowed" in faults(frame)["022"]


def test_the_limit_on_levels_is_exact():
    frame = study(country=[f"c{i % 6}" for i in range(200)])
    require_valid(as_relation(frame), "treatment", ["outcome"], ["country"], max_levels=6)
    assert "country has 6 levels; at most 5" in faults(frame, max_levels=5)["022"]


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_weights_that_are_not_positive_are_refused(value):
    frame = study(weight=np.where(np.arange(200) < 3, value, 1.0))
    assert "weight is zero or negative in 3 of 200 rows" in faults(frame, weights="weight")["024"]


def test_no_rows_are_refused():
    assert "no rows" in faults(study().iloc[:0])["023"]


def test_a_text_outcome_is_refused():
    assert "country is of kind text" in faults(study(), outcomes=["country"])["001"]


def test_several_faults_come_at_once():
    frame = study(treatment=1, weight=-1.0)
    frame.loc[0, "age"] = None
    assert set(faults(frame, weights="weight")) == {"010", "012", "024"}


def test_a_cluster_may_be_text_of_any_number_of_levels_but_not_null():
    frame = study(household=[f"h{i}" for i in range(200)])
    require_valid(as_relation(frame), "treatment", ["outcome"], [], cluster="household")
    frame.loc[0, "household"] = None
    assert "household 1 of 200 rows" in faults(frame, cluster="household")["010"]
