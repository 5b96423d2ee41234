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
SPARK = (spark_claims, spark_study_claims)
USUAL = tuple(run for topic in (*STUDIES, *FORECASTS, *SPARK) for run in topic.USUAL)
LARGE = claims.LARGE


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory beside other libraries.")
    parser.add_argument("--large", action="store_true", help="1e8 rows instead of the usual sizes")
    parser.add_argument("--only", help="the name of one benchmark")
    parser.add_argument("--rows", type=int, help="other numbers of rows than the usual ones; nothing is saved")
    options = parser.parse_args()
    chosen = [run for run in (LARGE if options.large else USUAL) if options.only in (None, run.__name__)]
    if not chosen:
        parser.error(f"--only is one of {', '.join(run.__name__ for run in USUAL + LARGE)}")
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
