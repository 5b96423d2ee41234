"""``python -m benchmarks``: measures, prints a table per benchmark, writes docs/benchmarks.md."""

from __future__ import annotations

import argparse

from benchmarks import (
    claims,
    did_claims,
    forecast_diagnosis_claims,
    forecast_labels_claims,
    forecast_training_claims,
    iv_claims,
    panel_claims,
    planning_claims,
    randomization_claims,
    series_claims,
    series_forecast_claims,
    spark_claims,
    spark_study_claims,
)
from benchmarks.report import save, show, write_page

STUDIES = (claims, iv_claims, panel_claims, did_claims, randomization_claims, series_claims)
FORECASTS = (
    forecast_labels_claims,
    forecast_training_claims,
    series_forecast_claims,
    planning_claims,
    forecast_diagnosis_claims,
)
USUAL = tuple(run for topic in (*STUDIES, *FORECASTS) for run in topic.USUAL)
LARGE = claims.LARGE
SPARK = (*spark_claims.USUAL, *spark_study_claims.USUAL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory beside other libraries.")
    parser.add_argument("--large", action="store_true", help="1e8 rows instead of the usual sizes")
    parser.add_argument("--spark", action="store_true", help="those on Spark, in the environment that has it")
    parser.add_argument("--only", help="the name of one benchmark")
    parser.add_argument("--rows", type=int, help="other numbers of rows than the usual ones; nothing is saved")
    options = parser.parse_args()
    chosen = LARGE if options.large else SPARK if options.spark else USUAL
    if options.only is not None:
        chosen = tuple(run for run in (*USUAL, *LARGE, *SPARK) if run.__name__ == options.only)
    if not chosen:
        parser.error(f"--only is one of {', '.join(run.__name__ for run in (*USUAL, *LARGE, *SPARK))}")
    for run in chosen:
        print(f"\n{(run.__doc__ or run.__name__).strip()}", flush=True)
        result = run() if options.rows is None else run(options.rows)
        show(result)
        if options.rows is None:
            save(result)
    if options.rows is None:
        print(f"\nwritten: {write_page()}")


if __name__ == "__main__":
    main()
