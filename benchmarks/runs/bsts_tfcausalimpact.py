"""tfcausalimpact's default fit on the same file; its import is not counted.

It runs in the interpreter that `CAUSAL_TFCAUSALIMPACT_PYTHON` names, if that is set.
"""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks.runs.clock import report, timed

INTERPRETER = "CAUSAL_TFCAUSALIMPACT_PYTHON"


def main() -> None:
    named = os.environ.pop(INTERPRETER, None)
    if named is not None:
        os.execv(named, [named, "-m", "benchmarks.runs.bsts_tfcausalimpact", *sys.argv[1:]])
    parser = argparse.ArgumentParser()
    parser.add_argument("csv")
    parser.add_argument("n_pre", type=int)
    options = parser.parse_args()
    import pandas as pd
    from causalimpact import CausalImpact

    frame = pd.read_csv(options.csv).drop(columns="day")
    frame = frame[["y", *(c for c in frame.columns if c != "y")]]
    periods = [0, options.n_pre - 1], [options.n_pre, len(frame) - 1]
    found, seconds = timed(lambda: CausalImpact(frame, *periods))
    average = found.summary_data["average"]
    half = (average["abs_effect_upper"] - average["abs_effect_lower"]) / 2.0
    report(seconds, estimate=float(average["abs_effect"]), std_error=float(half / 1.959963984540054))


if __name__ == "__main__":
    main()
