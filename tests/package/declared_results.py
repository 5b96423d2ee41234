"""A stand-in for the library: a difference in means with one real check, so that package tests test the package only.

The frame has the columns and payloads of `estimators.results`; the gate is balance of the age, which `good` passes and
`bad` does not, because age decides its treatment.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pandas as pd

_DIFFERENCE = "avg({0}) filter (where treatment = 1) - avg({0}) filter (where treatment = 0)"
_STANDARDISED = f"({_DIFFERENCE}) / stddev({{0}})"
_SUMS = ", ".join(
    [
        _DIFFERENCE.format("outcome_minutes_next_7d"),
        _STANDARDISED.format("covariate_age"),
        _STANDARDISED.format("placebo_minutes_5w_before"),
        "count(*)",
        "count(*) filter (where treatment = 1)",
    ]
)


def difference_in_means(context: dict[str, Any], study_table: Any) -> pd.DataFrame:
    """The results of the one study in `context`; raises ValueError when nobody is treated."""
    (study_id, study), *_ = context["studies"].items()
    estimate, smd, placebo, n_units, n_treated = study_table.aggregate(_SUMS).fetchall()[0]
    if n_treated == 0:
        raise ValueError(f"CAUSAL-012 treatment is constant: 0 of {n_units} treated")
    checks = [
        _check("balance", abs(smd), 0.3, "age"),
        _check("placebo_outcome", abs(placebo), 0.5, "minutes_5w_before"),
    ]
    failed = [c for c in checks if c["status"] == "fail"]
    records = [("effect", _effect(study_id, estimate, n_units, n_treated, bool(failed)))]
    records += [("check", c) for c in checks]
    records.append(("run", _run(context, study, failed, n_units, n_treated)))
    records.append(("balance", {"method": "difference", "covariate": "age", "smd_raw": smd, "smd_adjusted": smd}))
    records.append(("overlap", {"method": "difference", "arm": "treated", "n_units": n_treated}))
    records.append(
        ("attrition", {"step": 0, "step_name": "cohort", "n_treated": n_treated, "n_control": n_units - n_treated})
    )
    records += _details()
    identity = (study_id, context["invocation_id"], study["definition_hash"])
    rows = [(record, *identity, json.dumps(payload)) for record, payload in records]
    return pd.DataFrame(rows, columns=["record", "study_id", "run_id", "definition_hash", "payload"])


def _check(name: str, statistic: float, threshold: float, subject: str) -> dict[str, Any]:
    status = "pass" if statistic < threshold else "fail"
    reason = (
        f"{name} of {subject} {'holds' if status == 'pass' else 'does not hold'}; {statistic:.2f} against {threshold}"
    )
    if status == "fail":
        reason += "; fix: restrict the cohort"
    return {
        "check_name": name,
        "status": status,
        "reason": reason,
        "is_gate": True,
        "statistic": statistic,
        "threshold": threshold,
        "method": "difference",
        "outcome": "",
        "code": "",
        "is_waived": False,
        "bias_bound": None,
    }


def _effect(study_id: str, estimate: float, n_units: int, n_treated: int, is_blocked: bool) -> dict[str, Any]:
    figures = {
        "estimate": estimate,
        "std_error": 1.0,
        "ci_lower": estimate - 1.96,
        "ci_upper": estimate + 1.96,
        "p_value": 0.5,
        "p_value_adjusted": 0.5,
        "control_mean": 1.0,
    }
    if is_blocked:
        figures = dict.fromkeys(figures)
    salted = hashlib.sha256(f"{study_id}|salt|{estimate!r}".encode()).hexdigest()
    return {
        "method": "difference",
        "estimand": "ATT",
        "population": "",
        "outcome": "minutes_next_7d",
        "segment": "",
        "role": "primary",
        "is_headline": True,
        **figures,
        "n_units": n_units,
        "n_treated": n_treated,
        "se_convention": "HC2",
        "estimate_hash": salted,
        "diagnostics": {"n_strata": 1},
    }


def _details() -> list[tuple[str, dict[str, Any]]]:
    """Details with figures that the frame of a blocked study shows as well: it is the package that withholds them."""
    figures = {"estimate": 4712.5, "ci_lower": 4711.5, "ci_upper": 4713.5}
    event = {"method": "did", "estimand": "ATT", "outcome": "minutes_next_7d", "kind": "event_time", "name": "1 after"}
    event |= {"cohort": None, "period": None, "relative_period": 1, "p_value": 0.5, "n_treated": 7}
    bands = {"std_error": 4714.5, "band_lower": 4710.5, "band_upper": 4715.5}
    series = {"method": "bsts", "outcome": "minutes_next_7d", "period": "3", "is_post": True, "actual": 4716.5}
    for name in ("expected", "effect", "cumulative"):
        series |= {name: 4717.5, f"{name}_lower": 4717.25, f"{name}_upper": 4717.75}
    supposed = {"method": "aipw", "outcome": "minutes_next_7d", "kind": "e_value", "name": "estimate", "parameter": 1.5}
    said = {"value": 4718.5, "in_words": "an E-value of 4718.5"}
    advice = {"method": "cem", "verdict": "ruled_out", "reasons": "no stratum holds both arms"}
    return [
        ("event_time", event | figures | bands),
        ("series", series),
        ("sensitivity", supposed | figures | said),
        ("advice", advice),
    ]


def _run(context: dict, study: dict, failed: list[dict], n_units: int, n_treated: int) -> dict[str, Any]:
    definition = study["definition"]
    return {
        "status": "blocked" if failed else "published",
        "tier": "verified",
        "bias_bound": 0.05,
        "n_failed": len(failed),
        "n_warned": 0,
        "reason": failed[0]["reason"] if failed else "",
        "library_version": context["library_version"],
        "git_commit": context["git_commit"],
        "data_fingerprint": str(n_units),
        "n_units": n_units,
        "n_treated": n_treated,
        "acknowledged_block": definition.get("acknowledged_block"),
        "as_of": definition["as_of"],
    }
