"""Every option of `did` beside csdid, the Python port of the R package by the same authors' group."""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import pytest

from estimators import did
from tests.effects.simulated_panels import staggered

CONTROL = {"never": "nevertreated", "not_yet": "notyettreated"}
CASES = {
    "plain": {},
    "not yet treated": {"control": "not_yet"},
    "nobody never treated": {"control": "not_yet", "cohorts": (3, 4, 6)},
    "universal base": {"base_period": "universal"},
    "anticipation": {"anticipation": 1, "control": "not_yet"},
    "weights": {"weights": "weight"},
    "clusters": {"cluster": "state"},
    "doubly robust": {"covariates": ["x"]},
    "doubly robust, not yet treated": {"covariates": ["x"], "control": "not_yet", "base_period": "universal"},
    "regression": {"covariates": ["x"], "method": "reg", "weights": "weight"},
    "weighting": {"covariates": ["x"], "method": "ipw", "cluster": "state"},
    "covariate that changes over time": {"covariates": ["x", "v"], "anticipation": 1},
    "all at once": {
        "covariates": ["x", "v"], "weights": "weight", "cluster": "state", "control": "not_yet", "anticipation": 1,
    },
}  # fmt: skip


def csdid(
    frame, covariates=(), weights=None, cluster=None, control="never", method="dr", anticipation=0, base="varying"
):
    """Group-time effects and averages of csdid, analytic standard errors."""
    from csdid.att_gt import ATTgt

    columns = {"yname": "y", "tname": "time", "idname": "unit", "gname": "cohort"}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        model = ATTgt(
            **columns,
            data=frame.copy(),
            control_group=CONTROL[control],
            xformla="y ~ " + " + ".join(covariates) if covariates else None,
            weights_name=weights,
            clustervar=cluster,
            anticipation=anticipation,
            cband=False,
        ).fit(est_method=method, bstrap=False, base_period=base)
        averages = {}
        for kind in ("group", "simple", "dynamic", "calendar"):
            found = model.aggte(kind).atte
            averages[kind] = (found["overall_att"], float(np.ravel(found["overall_se"])[0]))
    cells = {"cohort": model.results["group"], "period": model.results["year"]}
    cells |= {"att": model.results["att"], "se": np.ravel(model.results["se"])}
    return pd.DataFrame(cells), averages


@pytest.mark.parametrize("case", CASES)
def test_equals_csdid(case):
    options = dict(CASES[case])
    frame = staggered(seed=len(case), cohorts=options.pop("cohorts", (0, 3, 4, 6)))
    ours = did(frame, "unit", "time", "cohort", "y", **options)
    options["base"] = options.pop("base_period", "varying")
    cells, averages = csdid(frame, **options)
    found = ours.effects[ours.effects["kind"] == "group_time"].reset_index(drop=True)
    assert found[["cohort", "period"]].to_numpy().tolist() == cells[["cohort", "period"]].to_numpy().tolist()
    np.testing.assert_allclose(found["estimate"], cells["att"], atol=1e-9)
    np.testing.assert_allclose(found["std_error"], cells["se"], atol=1e-9)
    for kind, expected in averages.items():
        assert tuple(ours.diagnostics["averages"][kind].values()) == pytest.approx(expected, abs=1e-9)
