"""The same question put to the package tfcausalimpact, in a process of its own: TensorFlow never enters ours.

That package maximises a variational bound of the model of R's CausalImpact. It is slow to import, leaks memory with
every fit and pins old versions; so it runs in the interpreter that `CAUSAL_TFCAUSALIMPACT_PYTHON` names, by default
this one, and only numbers come back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.effects.bsts_fit import Settings
from estimators.effects.series_inputs import SeriesInputs
from estimators.errors import CausalError, refuse
from estimators.results import Effect

if TYPE_CHECKING:
    import pandas as pd

INTERPRETER = "CAUSAL_TFCAUSALIMPACT_PYTHON"
_WORKER = Path(__file__).with_name("bsts_tfcausalimpact_worker.py")
_Z = 1.959963984540054


def tfcausalimpact_effect(inputs: SeriesInputs, outcome: str, settings: Settings) -> Effect:
    """The effect as tfcausalimpact's default fit sees it. Raises CausalError: 001 not installed, 000 it failed."""
    if int(inputs.steps[0]) > 1:
        raise refuse("001", "a gap with engine tfcausalimpact", "gap_end is set", fix="use engine='gibbs', or no gap")
    found = _run(_interpreter(), inputs, settings)
    average, cumulative = found["average"], found["cumulative"]
    relative = {"estimate": average["rel_effect"], "ci_lower": average["rel_effect_lower"]}
    relative["ci_upper"] = average["rel_effect_upper"]
    after = inputs.outcome[inputs.is_post]
    return Effect(
        **_absolute(average),
        p_value=min(1.0, 2.0 * max(found["p_value"], 1.0 / found["n_draws"])),  # theirs can be 0
        n_units=inputs.n_pre + inputs.n_post,
        n_treated=inputs.n_post,
        method="bsts",
        estimand="ATT",
        outcome=outcome,
        se_convention="posterior",
        control_mean=average["predicted"],
        diagnostics={
            "engine": "tfcausalimpact",
            "version": found["version"],
            "tail_area_p": found["p_value"],
            "cumulative_effect": _absolute(cumulative),
            "relative_effect": relative,
            "n_pre": inputs.n_pre,
            "n_post": inputs.n_post,
            "n_gap": 0,
            "n_missing_pre": int(np.isnan(inputs.outcome[inputs.is_pre]).sum()),
            "n_missing_post": int(np.isnan(after).sum()),
        },
        series=_series(inputs, found["series"]),
    )


def _interpreter() -> str:
    named = os.environ.get(INTERPRETER)
    if named is None and find_spec("causalimpact") is None:
        detail = "engine 'tfcausalimpact' needs the package tfcausalimpact, which is not installed here"
        fix = f"pip install 'dbt-causal[tfcausalimpact]', or name an interpreter that has it in {INTERPRETER}"
        raise refuse("001", "engine is not installed", detail, fix=fix)
    return named or sys.executable


def _run(interpreter: str, inputs: SeriesInputs, settings: Settings) -> dict[str, Any]:
    question = {
        "outcome": [None if np.isnan(v) else v for v in inputs.outcome[inputs.is_pre | inputs.is_post].tolist()],
        "controls": inputs.controls[inputs.is_pre | inputs.is_post].tolist(),
        "n_pre": inputs.n_pre,
        "season": settings.season,
        "season_duration": settings.season_duration,
        "level_sd": settings.level_sd,
        "seed": str(settings.seed),
    }
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "question.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(question))
        command = [interpreter, str(_WORKER), str(asked), str(answered)]
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise refuse("001", "engine is not installed", f"{INTERPRETER} cannot be run", fix="correct it") from error
        if run.returncode != 0 or not answered.exists():
            raise _failed(run)
        return json.loads(answered.read_text())


def _failed(run: subprocess.CompletedProcess) -> CausalError:
    """The last line of a traceback names its kind; values in it stay out."""
    last = (run.stderr.strip().splitlines() or ["no message"])[-1].split(":")[0]
    detail = f"its process ended with status {run.returncode} ({last})"
    return refuse("000", "tfcausalimpact failed", detail, fix="use engine='gibbs', or check that installation")


def _absolute(part: dict[str, float]) -> dict[str, float]:
    lower, upper = part["abs_effect_lower"], part["abs_effect_upper"]
    sd = (upper - lower) / (2.0 * _Z)  # as its own summary prints it
    return {"estimate": part["abs_effect"], "std_error": sd, "ci_lower": lower, "ci_upper": upper}


def _series(inputs: SeriesInputs, columns: dict[str, list[float | None]]) -> pd.DataFrame:
    import pandas as pd

    used = inputs.is_pre | inputs.is_post
    values = {name: np.array(column, dtype=float) for name, column in columns.items()}
    return pd.DataFrame(
        {
            "period": inputs.periods[used],
            "is_post": inputs.is_post[used],
            "actual": inputs.outcome[used],
            "expected": values["complete_preds_means"],
            "expected_lower": values["complete_preds_lower"],
            "expected_upper": values["complete_preds_upper"],
            "effect": values["point_effects_means"],
            "effect_lower": values["point_effects_lower"],
            "effect_upper": values["point_effects_upper"],
            "cumulative": values["post_cum_effects_means"],
            "cumulative_lower": values["post_cum_effects_lower"],
            "cumulative_upper": values["post_cum_effects_upper"],
        }
    )
