"""Each fault of the data is a failed check with its code, its whole message, and no estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.checks.simulated import TREATED_AT, checks_named, only, run, simulated


def with_values(column: str, rows: slice, value: object) -> pd.DataFrame:
    frame = simulated(200)
    frame[column] = frame[column].astype(object) if isinstance(value, str) else frame[column]
    frame.loc[rows, column] = value
    return frame


def refused(frame: pd.DataFrame, name: str, **changes: object) -> str:
    """The message of the one failed check `name`, after making sure that the study is blocked without an estimate."""
    results = run(frame, **changes)
    assert results.status == "blocked"
    assert all(e.estimate is None for e in results.effects)
    check = only(results, name)
    assert check.status == "fail"
    assert check.is_gate
    return f"{check.code} {check.reason}"


def test_sound_data_pass_every_data_check():
    results = run(simulated(200))
    assert {c.status for c in results.checks if c.code} == set()
    assert results.status == "published"


def test_010_nulls_above_the_limit_are_counted_per_column():
    frame = with_values("covariate_age", slice(0, 19), None)
    frame.loc[0:3, "placebo_sales_before"] = None
    assert refused(frame, "missing_values") == (
        "010 missing values; nulls of 200 units: age 20 (10.0%), sales_before 4 (2.0%); allowed: 5.0%; fix: correct "
        "the feature at its source, leave it out, or declare missing_values and max_missing_share"
    )


def test_010_a_single_null_fails_where_the_definition_says_so():
    frame = with_values("covariate_age", slice(0, 0), None)
    assert refused(frame, "missing_values", missing_values="fail").startswith(
        "010 missing values; nulls of 200 units: age 1"
    )


def test_010_nulls_of_the_outcome_are_counted_in_the_second_stage():
    frame = with_values("outcome_sales", slice(0, 19), None)
    assert refused(frame, "missing_outcomes").startswith("010 missing values; nulls of 200 units: sales 20 (10.0%)")


def test_011_infinite_and_nan_values_are_counted():
    frame = simulated(200).astype({"covariate_age": "double[pyarrow]"})
    frame["covariate_age"] = pd.array(
        np.where(np.arange(200) < 3, np.inf, 40.0 + np.arange(200)), dtype="double[pyarrow]"
    )
    assert refused(frame, "finite_values") == (
        "011 infinite or NaN values; of 200 units: age 3 infinite and 0 NaN; fix: correct them at their source, e.g. a "
        "division by zero in the feature model"
    )


def test_011_infinite_outcomes_are_counted_in_the_second_stage():
    frame = with_values("outcome_sales", slice(0, 1), -np.inf)
    assert "sales 2 infinite and 0 NaN" in refused(frame, "finite_outcomes")


def test_012_nobody_treated():
    frame = simulated(200).assign(treatment=0)
    assert refused(frame, "treatment_values") == (
        "012 treatment is constant; 0 of 200 treated; fix: check how the cohort sets treatment, and its dates"
    )


def test_013_a_third_value_of_the_treatment_is_counted_and_never_shown():
    frame = with_values("treatment", slice(0, 4), 2)
    assert refused(frame, "treatment_values") == (
        "013 treatment has other values; 5 of 200 units hold neither of 0 and 1, 0 of them null; the column is of kind "
        "number with 3 distinct values; fix: set 0 and 1 in the cohort, or declare treatment_values"
    )


def test_013_text_needs_a_declared_mapping():
    frame = simulated(200)
    frame["treatment"] = frame["treatment"].map({0: "secret@example.com", 1: "yes"})
    message = refused(frame, "treatment_values")
    assert "200 of 200 units hold neither of 0 and 1" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("values", "mapping"),
    [
        (("no", "yes"), {"control": "no", "treated": "yes"}),
        ((1, 2), {"control": 1, "treated": 2}),
        ((False, True), None),
    ],
)
def test_a_declared_mapping_gives_the_same_effect_as_zero_and_one(values, mapping):
    frame = simulated(200)
    mapped = frame.assign(treatment=frame["treatment"].map(dict(enumerate(values))))
    found = run(mapped, treatment_values=mapping).effects[0]
    assert found.estimate == pytest.approx(run(frame).effects[0].estimate, rel=1e-12)


def test_015_duplicate_units_are_shown_as_hashes():
    frame = pd.concat([simulated(200), simulated(200).head(4)])
    message = refused(frame, "duplicate_units")
    examples = message.split("examples (md5 of unit_id): ")[1].split(";")[0].split(", ")
    assert message.startswith("015 duplicate units; 4 units have several rows of 204; examples (md5 of unit_id): ")
    assert message.endswith("; fix: make the cohort one row per unit; a join that fans out is the usual cause")
    assert len(examples) == 3
    assert all(len(e) == 8 and int(e, 16) >= 0 for e in examples)
    assert "user" not in message


def test_016_a_unit_in_both_arms():
    frame = simulated(200)
    twin = frame.head(1).assign(treatment=1 - frame["treatment"].iloc[0])
    message = refused(pd.concat([frame, twin]), "duplicate_units")
    assert message.startswith("016 units in both arms; 1 units are in both arms; examples (md5 of unit_id): ")
    assert message.endswith("; fix: decide in the cohort, or declare crossover: first_exposure")


def test_017_covariates_after_treatment_and_outcomes_before_it():
    frame = with_values("latest_covariate_at", slice(0, 2), TREATED_AT)
    frame.loc[0:1, "earliest_outcome_at"] = TREATED_AT - pd.Timedelta(seconds=1)
    assert refused(frame, "time_order") == (
        "017 leak across treatment; covariates use events at or after treated_at for 3 of 200 units; outcomes use "
        "events before treated_at for 2 of 200 units; fix: let the study-table macro make the windows, and correct "
        "event_at in the registry"
    )


def test_020_constant_and_collinear_confounders_are_named():
    frame = simulated(200).assign(covariate_flag=1.0)
    frame["covariate_months"] = frame["covariate_age"] * 12 + 3
    assert refused(frame, "collinearity", confounders=["age", "visits", "flag", "months"]) == (
        "020 collinear or constant confounders; flag is constant, months is a linear function of age; fix: leave them "
        "out of confounders, or declare collinear: drop"
    )


def test_020_collinear_confounders_are_dropped_as_declared_and_the_rank_is_reported():
    frame = simulated(200)
    frame["covariate_months"] = frame["covariate_age"] * 12 + 3
    results = run(frame, confounders=["age", "visits", "months"], collinear="drop")
    assert only(results, "collinearity").status == "warn"
    assert only(results, "collinearity").reason == "dropped as declared: months is a linear function of age; rank 2"
    assert results.status == "published"


def test_020_a_dummy_that_repeats_a_category_is_found():
    frame = simulated(200).assign(covariate_group=lambda f: np.where(f.index % 2, "a", "b"))
    frame["covariate_is_a"] = (frame["covariate_group"] == "a").astype(int)
    message = refused(frame, "collinearity", confounders=["age", "is_a", "group"])
    assert "is_a is a linear function of group = b" in message


def test_022_too_many_levels():
    frame = simulated(200).assign(covariate_city=lambda f: [f"city{i}" for i in range(200)])
    assert refused(frame, "category_levels", confounders=["age", "city"]) == (
        "022 too many levels; levels: city 200; allowed: 50; fix: group rare levels in the feature model, or raise "
        "max_levels if every level has many units"
    )


def test_023_an_empty_cohort():
    frame = simulated(200).assign(exclusion="not eligible")
    assert refused(frame, "sample_size") == (
        "023 empty cohort; 0 units to analyse, 200 excluded; fix: check the cohort's conditions and dates"
    )


def test_023_one_treated_cluster():
    frame = simulated(200).assign(cluster_id=lambda f: np.where(f["treatment"] == 1, "x", f["unit_id"].str[-1]))
    assert refused(frame, "sample_size", cluster="cluster_id") == (
        "023 too few clusters; 11 clusters, 1 with treated and 10 with control units; fix: a standard error needs two "
        "clusters in each arm: use smaller clusters, or randomization inference"
    )


def test_023_fewer_than_thirty_clusters_warn():
    frame = simulated(400).assign(cluster_id=lambda f: f["unit_id"].str[-1])
    check = only(run(frame, cluster="cluster_id"), "sample_size")
    assert (check.status, check.code) == ("warn", "023")
    assert check.reason.startswith("10 clusters: standard error unreliable below 30")


def test_023_whole_clusters_treated_without_a_declared_cluster():
    frame = simulated(200).assign(cluster_id=lambda f: [f"c{i // 10}" for i in range(200)])
    frame["treatment"] = frame["cluster_id"].str[-1].isin(list("02468")).astype(int)
    within = {"assumption": "within", "cluster": "cluster_id"}
    assert refused(frame, "sample_size", interference=within) == (
        "023 whole clusters treated, but no cluster declared; treatment is the same for all units of a cluster_id; "
        "fix: declare cluster, so that standard errors rest on the number of clusters"
    )


@pytest.mark.parametrize(
    ("value", "count"), [(-1.0, "1 negative"), (0.0, "1 zero"), (None, "1 null"), (np.inf, "1 not finite")]
)
def test_024_weights_must_be_positive(value, count):
    frame = simulated(200).assign(weight=1.0)
    frame.loc[0, "weight"] = value
    assert refused(frame, "weights") == (
        f"024 weights must be positive; {count} of 200; fix: leave out units that should not count, and correct the "
        "others in the cohort"
    )


def test_028_an_outcome_that_is_zero_for_everybody():
    frame = simulated(200).assign(outcome_sales=0.0)
    assert refused(frame, "outcome_values") == (
        "028 outcome does not vary; sales is zero for all 200 units; fix: check the outcome's feature and its window; "
        "no effect can be estimated"
    )


def test_028_a_binary_outcome_outside_zero_and_one():
    outcomes = [{"feature": "sessions", "name": "sales", "window_days": 7, "kind": "binary"}]
    frame = simulated(200).assign(outcome_sales=lambda f: f.index % 3)
    assert refused(frame, "outcome_values", outcomes=outcomes) == (
        "028 binary outcome outside {0, 1}; sales: 66 of 200 units; fix: make the feature 0 or 1, or declare its kind "
        "as count or continuous"
    )


def test_033_windows_that_have_not_ended_name_the_date_from_which_the_study_can_run():
    frame = with_values("outcome_ends_at", slice(0, 6), pd.Timestamp("2026-05-04"))
    assert refused(frame, "windows_ended") == (
        "033 outcome windows have not ended; 7 of 200 outcome windows end after as_of 2026-05-01; the last one ends "
        "2026-05-04 00:00:00; fix: run the study with as_of 2026-05-04 00:00:00 or later, shorten the window, or leave "
        "out the latest units"
    )


def test_033_a_window_that_ends_exactly_at_as_of_has_ended():
    frame = with_values("outcome_ends_at", slice(0, 6), pd.Timestamp("2026-05-01"))
    assert only(run(frame), "windows_ended").status == "pass"


def test_033_controls_without_an_index_time():
    frame = simulated(200).assign(exclusion=None).astype({"exclusion": object})
    frame.loc[0:4, "exclusion"] = "no index time"
    assert refused(frame, "windows_ended") == (
        "033 units without an index time; treated_at is null for 5 units; fix: give controls a treated_at of their "
        "own, as control_index says"
    )


def test_003_columns_that_are_not_there_are_all_named():
    frame = simulated(200).drop(columns=["covariate_age", "outcome_sales"])
    assert refused(frame, "study_table").startswith(
        "003 columns missing from the study table; covariate_age, outcome_sales; fix: "
    )


def test_001_a_covariate_that_is_a_date():
    frame = simulated(200).assign(covariate_age=TREATED_AT)
    assert refused(frame, "column_types").startswith("001 columns of a wrong type; age is of kind time; fix: ")


def test_a_table_without_audit_columns_cannot_be_verified():
    results = run(simulated(200).drop(columns=["latest_covariate_at"]))
    assert (only(results, "time_order").status, results.status) == ("not_evaluated", "blocked")


def test_the_file_of_the_definition_stands_in_the_message():
    from estimators.analysis import analyse
    from tests.checks.simulated import study

    results = analyse(simulated(200).assign(treatment=0), study(), file="models/studies/push/push.yml:12")
    assert only(results, "treatment_values").reason.endswith("; see models/studies/push/push.yml:12")


def test_several_faults_are_reported_at_once():
    frame = with_values("covariate_age", slice(0, 100), None).assign(weight=-1.0)
    codes = {c.code for c in run(frame).checks if c.status == "fail"}
    assert codes == {"010", "024"}


def test_no_check_is_named_twice_without_need():
    names = [c.check_name for c in run(simulated(200)).checks]
    names.remove("second_opinion")  # a row for the estimate and one for its standard error
    assert len(names) == len(set(names))
    assert checks_named(run(simulated(200)), "treatment_values")
