"""csdid's `ATTgt` and its average over groups on the same panel as a pandas frame: its faster mode, analytic errors."""

from __future__ import annotations

import argparse
import contextlib
import io
import warnings

import numpy as np
import pandas as pd
from csdid.att_gt import ATTgt

from benchmarks.did_data import COVARIATES
from benchmarks.runs.clock import report, timed_again


def fitted(frame: pd.DataFrame, covariates: list[str], control: str, n_draws: int) -> tuple[float, float]:
    """Average over groups and its standard error."""
    model = ATTgt(
        yname="outcome",
        tname="time",
        idname="unit",
        gname="cohort",
        data=frame,
        control_group={"never": "nevertreated", "not_yet": "notyettreated"}[control],
        xformla="outcome ~ " + " + ".join(covariates) if covariates else None,
        cband=n_draws > 0,
        biters=max(n_draws, 1),
    ).fit(est_method="dr", bstrap=n_draws > 0)
    found = model.aggte("group").atte
    return float(found["overall_att"]), float(np.ravel(found["overall_se"])[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--adjusted", action="store_true")
    parser.add_argument("--control", default="never")
    parser.add_argument("--bootstrap", type=int, default=0)
    options = parser.parse_args()
    frame = pd.read_parquet(options.table)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        covariates = COVARIATES if options.adjusted else []
        found, seconds = timed_again(lambda: fitted(frame, covariates, options.control, options.bootstrap))
    report(seconds, estimate=found[0], std_error=found[1])


if __name__ == "__main__":
    main()
