"""What an experiment would be worth to the plan: the expected gain from planning after its result instead of before.

Draws of the parameters are the prior, each as likely as the others; some plans are candidates, and the value of every
plan under every draw is known. A result m of an experiment with effect e under a draw and standard error s weighs the
draws by the normal likelihood of m, and the best plan under those weights is taken (value of sample information:
Raiffa and Schlaifer 1961). Results are integrated out by quadrature, so that no random number enters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from estimators.errors import CausalError, Fault

if TYPE_CHECKING:
    import pandas as pd

_NODES = 15  # of the Gauss-Hermite rule: exact for polynomials of degree 29


def value_of_experiments(
    values: np.ndarray,
    effects: np.ndarray,
    std_errors: Sequence[float] | np.ndarray,
    *,
    names: Sequence[str] | None = None,
    costs: Sequence[float] | np.ndarray | None = None,
) -> pd.DataFrame:
    """Candidates ranked by what they are worth to the plan, the best first.

    values: (n_draws, n_plans), the objective of each plan under each draw.  effects: (n_draws, n_candidates), what each
    candidate would measure if the draw were true.  std_errors, costs: per candidate, costs in units of the objective.
    Columns: candidate, value, net_value (less its cost), perfect_information (the most that any experiment could
    bring), share (value over that), std_error, effect_spread. With few plans, values are lower bounds.
    Raises CausalError 029 with all that is wrong.
    """
    import pandas as pd

    values, effects = np.asarray(values, dtype=float), np.asarray(effects, dtype=float)
    errors = np.asarray(std_errors, dtype=float)
    prices = np.zeros(len(errors)) if costs is None else np.asarray(costs, dtype=float)
    faults = list(_faults(values, effects, errors, prices))
    if faults:
        raise CausalError(*faults)
    now = float(values.mean(axis=0).max())
    perfect = float(values.max(axis=1).mean()) - now
    worth = np.array([_after(values, e, s) - now for e, s in zip(effects.T, errors, strict=True)])
    frame = pd.DataFrame(
        {
            "candidate": list(names) if names is not None else list(range(len(errors))),
            "value": np.maximum(worth, 0.0),
            "net_value": np.maximum(worth, 0.0) - prices,
            "perfect_information": perfect,
            "share": np.maximum(worth, 0.0) / perfect if perfect > 0.0 else 0.0,
            "std_error": errors,
            "effect_spread": effects.std(axis=0),
        }
    )
    return frame.sort_values("net_value", ascending=False, kind="stable", ignore_index=True)


def _after(values: np.ndarray, effect: np.ndarray, std_error: float) -> float:
    """The expected value of the plan that is best once the result of an experiment is known."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    chances = weights / weights.sum()
    expected = 0.0
    for node, chance in zip(nodes, chances, strict=True):
        results = effect + std_error * node  # (n_draws,): one result per draw that might be true
        likelihood = np.exp(-0.5 * ((results[:, None] - effect[None, :]) / std_error) ** 2)
        posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
        expected += chance * float((posterior @ values).max(axis=1).mean())
    return expected


def _faults(values: np.ndarray, effects: np.ndarray, errors: np.ndarray, prices: np.ndarray) -> Iterator[Fault]:
    shapes = values.ndim == effects.ndim == 2 and errors.shape == prices.shape == effects.shape[1:]
    if not shapes or len(values) != len(effects):
        detail = f"values {values.shape}, effects {effects.shape}, standard errors {errors.shape}, costs {prices.shape}"
        fix = "give values (draws, plans), effects (draws, candidates), and one error and cost per candidate"
        yield Fault("029", "experiments and draws do not match", (detail,), fix)
        return
    if len(values) < 2:
        fix = "fit with draws=..., so that the model knows what it does not know"
        yield Fault("029", "no uncertainty to resolve", (f"{len(values)} draws",), fix)
    bad = [i + 1 for i, s in enumerate(errors) if not (np.isfinite(s) and s > 0.0)]
    if bad:
        detail = f"candidates {', '.join(map(str, bad[:8]))}: zero, negative or not finite"
        yield Fault("029", "standard error that is not positive", (detail,), "give the error that the design can reach")
    broken = int((~np.isfinite(values)).sum() + (~np.isfinite(effects)).sum() + (~np.isfinite(prices)).sum())
    if broken:
        yield Fault("029", "values that are not finite", (f"{broken} values, effects or costs",), "correct the draws")
