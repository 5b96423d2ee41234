"""The same estimator as an analyst writes it by hand with scikit-learn: 5 folds, rows in memory."""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold

from benchmarks.runs.clock import report, timed
from benchmarks.runs.design_matrix import Matrix, load


def scores(data: Matrix, solver: str) -> np.ndarray:
    """(n,) efficient scores of the ATE: m1 − m0 + T(Y − m1)/e − (1 − T)(Y − m0)/(1 − e)."""
    psi = np.empty(len(data.outcome))
    for train, test in KFold(5, shuffle=True, random_state=0).split(data.x):
        x, t, y = data.x[train], data.treatment[train], data.outcome[train]
        e = LogisticRegression(solver=solver, max_iter=1000).fit(x, t).predict_proba(data.x[test])[:, 1]
        m0 = LinearRegression().fit(x[t == 0], y[t == 0]).predict(data.x[test])
        m1 = LinearRegression().fit(x[t == 1], y[t == 1]).predict(data.x[test])
        e = np.clip(e, 0.01, 0.99)
        t, y = data.treatment[test], data.outcome[test]
        psi[test] = m1 - m0 + t * (y - m1) / e - (1 - t) * (y - m0) / (1 - e)
    return psi


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parquet")
    parser.add_argument("--solver", default="lbfgs")
    options = parser.parse_args()
    data = load(options.parquet, is_wide=False)
    psi, seconds = timed(lambda: scores(data, options.solver))
    report(seconds, estimate=float(psi.mean()), std_error=float(psi.std() / np.sqrt(len(psi))))


if __name__ == "__main__":
    main()
