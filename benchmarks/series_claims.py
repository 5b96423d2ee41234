"""What is claimed of the speed of BSTS, beside tfcausalimpact's default fit."""

from __future__ import annotations

import os
from importlib.util import find_spec

from benchmarks import series_data
from benchmarks.claims import Claim, Result, ratio, within
from benchmarks.measure import measure
from benchmarks.runs.bsts_tfcausalimpact import INTERPRETER

_DAYS = 1095
_SECONDS = 4.0


def bsts_beside_tfcausalimpact(n_rows: int = _DAYS) -> Result:
    """Three years of days with ten controls: 4 chains of 1,000 draws after burn-in."""
    path = series_data.days(n_rows)
    ours = measure("bsts", n_rows, "bsts_gibbs", path, n_rows)
    again = measure("bsts, again", n_rows, "bsts_gibbs", path, n_rows)
    weekly = measure("bsts, weekly season", n_rows, "bsts_gibbs", path, n_rows, "--season", 7)
    is_same = all(ours.answer[k] == again.answer[k] for k in ("estimate", "std_error"))
    claims = [
        *within(ours, seconds=_SECONDS),
        Claim("the same seed gives the same numbers", "equal" if is_same else "not equal", is_same),
        Claim(
            "chains agree: R-hat ≤ 1.01 of every parameter",
            f"{ours.answer['largest_r_hat']:.4f}",
            ours.answer["largest_r_hat"] <= 1.01,
        ),
    ]
    title, runs = "BSTS beside tfcausalimpact, 10 controls", [ours, again, weekly]
    if find_spec("causalimpact") is None and INTERPRETER not in os.environ:
        claims.append(Claim("≥ 20 times faster than tfcausalimpact", "not installed", None))
        return Result("bsts", title, runs, claims, f"tfcausalimpact is not installed, and {INTERPRETER} is not set")
    peer = measure("tfcausalimpact", n_rows, "bsts_tfcausalimpact", path, n_rows)
    apart = abs(ours.answer["estimate"] - peer.answer["estimate"]) / ours.answer["std_error"]
    claims += [
        ratio(ours, peer, at_least=20),
        Claim("same estimate to 0.5 posterior sd", f"{apart:.2f} posterior sd", apart <= 0.5),
    ]
    return Result("bsts", title, [*runs, peer], claims)


USUAL = (bsts_beside_tfcausalimpact,)
