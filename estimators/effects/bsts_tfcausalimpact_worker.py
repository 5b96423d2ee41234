"""Run by `bsts_tfcausalimpact` as a script: one fit of tfcausalimpact, from a file of JSON to another.

It may run in another environment than ours, so it imports nothing of this library.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from importlib.metadata import version
from pathlib import Path

_N_DRAWS = 1000  # its own default


def main() -> None:
    asked, answered = (Path(argument) for argument in sys.argv[1:3])
    question = json.loads(asked.read_text())
    import pandas as pd
    import tensorflow as tf
    from causalimpact import CausalImpact

    tf.keras.utils.set_random_seed(zlib.crc32(question["seed"].encode()))
    frame = pd.DataFrame({"outcome": question["outcome"]}, dtype=float)
    for i, column in enumerate(zip(*question["controls"], strict=True)):
        frame[f"control_{i}"] = column
    n_pre = question["n_pre"]
    options = {"niter": _N_DRAWS, "prior_level_sd": question["level_sd"]}
    if question["season"]:
        options |= {"nseasons": question["season"], "season_duration": question["season_duration"]}
    found = CausalImpact(frame, [0, n_pre - 1], [n_pre, len(frame) - 1], model_args=options)
    summary = found.summary_data
    answer = {
        "average": {k: float(v) for k, v in summary["average"].items()},
        "cumulative": {k: float(v) for k, v in summary["cumulative"].items()},
        "p_value": float(found.p_value),
        "n_draws": _N_DRAWS,
        "version": version("tfcausalimpact"),
        "series": {
            name: [None if math.isnan(v) else float(v) for v in found.inferences[name]] for name in found.inferences
        },
    }
    answered.write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
