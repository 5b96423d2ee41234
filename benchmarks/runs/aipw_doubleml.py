"""DoubleML's interactive regression model with linear and logistic nuisances, ATE, 5 folds."""

from __future__ import annotations

import argparse

import doubleml
from sklearn.linear_model import LinearRegression, LogisticRegression

from benchmarks.runs.clock import report, timed
from benchmarks.runs.design_matrix import load


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parquet")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--solver", default="lbfgs")
    options = parser.parse_args()
    data = load(options.parquet, options.wide)

    def fit() -> doubleml.DoubleMLIRM:
        matrix = doubleml.DoubleMLData.from_arrays(data.x, data.outcome, data.treatment)
        propensity = LogisticRegression(solver=options.solver, max_iter=1000)
        return doubleml.DoubleMLIRM(matrix, LinearRegression(), propensity, n_folds=5, score="ATE").fit()

    model, seconds = timed(fit)
    report(seconds, estimate=float(model.coef[0]), std_error=float(model.se[0]))


if __name__ == "__main__":
    main()
