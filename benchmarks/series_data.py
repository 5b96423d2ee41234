"""Series whose effect is known: for coverage, and for speed beside tfcausalimpact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.data import FOLDER

if TYPE_CHECKING:
    import pandas as pd

EFFECT = 2.0
CONTROLS = [f"x{i}" for i in range(10)]
_LEVEL_SD = 0.02  # of a step of the level, in units of the noise's sd


def series(seed: int, n_pre: int = 120, n_post: int = 30, n_controls: int = 10, season: int = 1) -> pd.DataFrame:
    """Days with an outcome that follows the model and its prior (R² of the controls 0.8): a slow level, two controls
    that matter, an effect after n_pre.

    Columns: day, y, x0, x1, ... ; the intervention is the day numbered n_pre.
    """
    import pandas as pd

    random, n = np.random.default_rng(seed), n_pre + n_post
    x = random.normal(size=(n, n_controls))
    level = random.normal(size=n).cumsum() * _LEVEL_SD
    week = np.resize(random.normal(size=season), n) if season > 1 else 0.0
    y = 100.0 + level + week + 1.9 * x[:, 0] - 0.65 * x[:, 1] + random.normal(size=n)
    y[n_pre:] += EFFECT
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(n_controls)])
    return frame.assign(y=y, day=pd.date_range("2023-01-01", periods=n))


def panel(seed: int, n_units: int = 40, n_pre: int = 60, n_post: int = 12) -> pd.DataFrame:
    """Units that share three factors; one of them, drawn at random, is `treated` and gains EFFECT after n_pre."""
    import pandas as pd

    random, n = np.random.default_rng(seed), n_pre + n_post
    factors = random.normal(size=(n, 3)).cumsum(axis=0) * 0.3
    paths = 20.0 + factors @ random.dirichlet(np.ones(3), size=n_units).T + random.normal(size=(n, n_units)) * 0.5
    paths[n_pre:, 0] += EFFECT  # units are exchangeable, so that the first one is as good as any
    long = pd.DataFrame(paths).rename_axis("period").reset_index().melt("period", var_name="unit", value_name="y")
    return long.astype({"unit": int, "period": int})


def days(n_rows: int = 1095, n_post: int = 90) -> Path:
    """Three years of days with ten controls before the intervention, as a file that every environment reads."""
    path = FOLDER / f"series_{n_rows}.csv"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        series(7, n_rows, n_post, len(CONTROLS)).to_csv(path, index=False)
    return path
