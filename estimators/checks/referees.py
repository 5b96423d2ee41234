"""Who recomputes which published number: the table of docs/referees.md, as the code uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judgement = Literal["gate", "warn", "none"]
EXACT = 1e-6  # of the larger of the estimate and its standard error
ITERATIVE = 1e-3  # of the standard error
POSTERIOR = 0.5  # of the posterior standard deviation


@dataclass(frozen=True)
class Referee:
    """One published number of one method.

    referee: what recomputes it, or ``none``.  tolerance: of the standard error; `EXACT` is of the estimate, if that is
    larger.  judgement: a difference beyond it blocks the study (gate), warns, or there is nobody to judge (none).
    """

    method: str
    number: str
    referee: str
    tolerance: float | None = None
    judgement: Judgement = "none"


REFEREES = (
    Referee("difference", "estimate", "statsmodels WLS (adjusted: Lin's interacted regression)", EXACT, "gate"),
    Referee("difference", "std_error", "statsmodels WLS, HC2 or clustered", EXACT, "gate"),
    Referee("cem", "estimate", "statsmodels WLS with matching weights from the counts of our strata", EXACT, "gate"),
    Referee("cem", "std_error_hc1", "statsmodels WLS, HC1", EXACT, "gate"),
    Referee("cem", "std_error", "none"),
    Referee("aipw", "estimate", "scikit-learn (probit: statsmodels GLM), our folds and clipping", ITERATIVE, "gate"),
    Referee("aipw", "std_error", "scikit-learn, influence values by hand", ITERATIVE, "gate"),
    Referee("aipw (boosting)", "estimate, std_error", "none"),
    Referee("iv", "estimate", "linearmodels IV2SLS or IVLIML", EXACT, "gate"),
    Referee("iv", "std_error", "linearmodels, robust, unadjusted or clustered, debiased", EXACT, "gate"),
    Referee("iv", "anderson_rubin, effective_f", "none"),
    Referee("panel", "estimate", "linearmodels PanelOLS", EXACT, "gate"),
    Referee(
        "panel", "std_error", "linearmodels PanelOLS with fixest's factor", EXACT, "gate"
    ),
    Referee("panel", "std_error_linearmodels", "linearmodels PanelOLS, its own factor", EXACT, "gate"),
    Referee("panel", "std_error (two-way clusters, fixest)", "none"),
    Referee("panel", "goodman_bacon weights", "none"),
    Referee("did", "estimate, std_error, group-time effects, bands", "none"),
    Referee("did", "HonestDiD intervals", "none"),
    Referee("bsts", "estimate", "tfcausalimpact, when installed", POSTERIOR, "warn"),
    Referee("synthetic_control", "estimate, weights", "none"),
    Referee("every method", "effects by segment, p-values, intervals", "none"),
)  # fmt: skip


def referee(method: str, number: str) -> Referee:
    """The row for one number; a number that no row names has no referee."""
    for row in REFEREES:
        if row.method == method and row.number == number:
            return row
    return Referee(method, number, "none")
