"""AIPW against other people's code on the same folds: scikit-learn by hand, and DoubleML."""

from __future__ import annotations

import doubleml
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from estimators import aipw
from estimators.effects.folds import fold_numbers
from estimators.warehouse import as_relation

COVARIATES = ["x0", "x1", "x2", "city"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    generator = np.random.default_rng(11)
    n = 4_000
    frame = pd.DataFrame(generator.normal(size=(n, 3)) * [1, 50, 0.1] + [0, 900, -3], columns=["x0", "x1", "x2"])
    frame["city"] = generator.choice(["oslo", "rome", "bonn"], n)
    score = 0.4 * frame["x0"] + 0.01 * (frame["x1"] - 900) + 0.3 * (frame["city"] == "rome")
    frame["treatment"] = (generator.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    frame["y"] = 3 + frame["x0"] + 0.02 * frame["x1"] + 0.5 * frame["treatment"] + generator.normal(size=n)
    frame["unit_id"] = np.arange(n)
    return frame


def folds_of(frame: pd.DataFrame) -> np.ndarray:
    relation = as_relation(frame)
    bucket = relation.rows({"b": relation.bucket(relation.name("unit_id"))}, order_by="unit_id")["b"]
    return fold_numbers(bucket, "/folds/0", 5)


def standardised(frame: pd.DataFrame) -> np.ndarray:
    numbers = frame[["x0", "x1", "x2"]]
    dummies = pd.get_dummies(frame["city"], drop_first=True).to_numpy(float)
    return np.column_stack([((numbers - numbers.mean()) / numbers.std(ddof=0)).to_numpy(), dummies])


def test_equals_scikit_learn_by_hand_on_the_same_folds(data):
    found = aipw(data, "treatment", "y", COVARIATES, estimand="ATE", unit="unit_id", repetitions=1)
    folds, x, t, y = folds_of(data), standardised(data), data["treatment"].to_numpy(), data["y"].to_numpy()
    score = np.empty(len(data))
    for k in range(5):
        train, test = folds != k, folds == k
        e = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(x[train], t[train])
        e = e.predict_proba(x[test])[:, 1]
        m = [LinearRegression().fit(x[train & (t == a)], y[train & (t == a)]).predict(x[test]) for a in (0, 1)]
        ty, tt = y[test], t[test]
        score[test] = m[1] - m[0] + tt * (ty - m[1]) / e - (1 - tt) * (ty - m[0]) / (1 - e)
    assert found.estimate == pytest.approx(score.mean(), rel=1e-9)
    assert found.std_error == pytest.approx(score.std() / np.sqrt(len(score)), rel=1e-9)


@pytest.mark.parametrize(("estimand", "score"), [("ATE", "ATE"), ("ATT", "ATTE")])
def test_equals_doubleml_on_the_same_folds(data, estimand, score):
    found = aipw(data, "treatment", "y", COVARIATES, estimand=estimand, unit="unit_id", repetitions=1, clip=1e-6)
    x = standardised(data)
    folds = folds_of(data)
    peer = doubleml.DoubleMLIRM(
        doubleml.DoubleMLData.from_arrays(x, data["y"].to_numpy(), data["treatment"].to_numpy()),
        LinearRegression(),
        LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12),
        score=score,
        draw_sample_splitting=False,
    )
    peer.set_sample_splitting([[(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]])
    peer.fit()
    # DoubleML divides the ATT's score by the treated share of each fold's complement or of all rows, by version.
    assert found.estimate == pytest.approx(peer.coef[0], abs=0.01 * found.std_error)
    assert found.std_error == pytest.approx(peer.se[0], rel=1e-2)


def test_without_cross_fitting_equals_the_closed_form_of_overlap_weights(data):
    found = aipw(data, "treatment", "y", COVARIATES, estimand="ATO", folds=1)
    x, t, y = standardised(data), data["treatment"].to_numpy(), data["y"].to_numpy()
    e = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(x, t).predict_proba(x)[:, 1]
    m = [LinearRegression().fit(x[t == a], y[t == a]).predict(x) for a in (0, 1)]
    residual = y - e * m[1] - (1 - e) * m[0]
    assert found.estimate == pytest.approx(((t - e) @ residual) / ((t - e) @ (t - e)), rel=1e-9)
