"""A plan as it leaves the solver: decisions by label with everything that a reader needs to trust or refuse it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.planning.certificate import Certificate

if TYPE_CHECKING:
    from estimators.forecast.planning.plan import Plan

FEASIBLE = 1e-6  # of a bound's size


@dataclass(frozen=True)
class OnDraws:
    """The objective at the plan on draws of the parameters that did not choose it. values: (k,)."""

    values: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")

    def interval(self, level: float = 0.8) -> tuple[float, float]:
        """The central interval of the draws."""
        low, high = np.quantile(self.values, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)


@dataclass(frozen=True)
class Planned:
    """decisions: lever → tensor over the horizon.  objective: as the fitted model promises it.

    certificate: how far from the best it can be, and why.  violations: by constraint, in its own units.
    relative_violations: the same over the bound's size.  shadow_prices: by constraint, what one more unit of its bound
    adds to the objective (a number, or by group a tensor).  infeasible_because: the constraints that contradict each
    other; then there are no decisions.  slack: by constraint, how much room of its bound can be kept free; empty
    unless asked or needed. fresh: the objective on draws that did not choose the plan.  status_quo: the objective with
    every lever as it was last. share_outside: of the decisions, beyond what was tried.  status: optimised, infeasible,
    fallback or override. record: what was done to the plan after the solver, oldest first.
    """

    plan: Plan
    decisions: dict[str, Tensor]
    objective: float
    certificate: Certificate
    violations: dict[str, float] = field(default_factory=dict)
    relative_violations: dict[str, float] = field(default_factory=dict)
    shadow_prices: dict[str, float | Tensor] = field(default_factory=dict)
    infeasible_because: tuple[str, ...] = ()
    slack: dict[str, float] = field(default_factory=dict)
    fresh: OnDraws | None = None
    status_quo: float = float("nan")
    share_outside: float = 0.0
    status: str = "optimised"
    method: str = ""
    iterations: int = 0
    record: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """How far the objective can be from the best, relative to it; None for a local certificate or none."""
        return self.certificate.value if self.certificate.kind in ("global", "bound") else None

    @property
    def value_on_fresh_draws(self) -> float | None:
        """The mean objective on draws of the parameters that did not choose the plan."""
        return None if self.fresh is None else self.fresh.mean

    @property
    def is_feasible(self) -> bool:
        """Whether every constraint holds, to a millionth of its bound."""
        return not self.infeasible_because and all(v <= FEASIBLE for v in self.relative_violations.values())

    def to_frame(self) -> Any:
        """Decisions as rows: lever, its dims, value."""
        import pandas as pd

        frames = [tensor.to_frame("value").assign(lever=name) for name, tensor in self.decisions.items()]
        frame = pd.concat(frames, ignore_index=True)
        return frame[["lever", *(column for column in frame.columns if column not in ("lever", "value")), "value"]]

    def robust(self, cvar: float, tol: float = 1e-4) -> Planned:
        """The plan that is best on the worst share `cvar` of the draws instead: see `planning.robust`."""
        from estimators.forecast.planning.robust import solve_robust

        return solve_robust(self.plan, cvar, tol)

    def gate(self, max_width: float, fallback: Any = "status_quo", level: float = 0.8) -> Planned:
        """This plan, or a fallback where the forecast is too uncertain: see `planning.gate`."""
        from estimators.forecast.planning.gate import gated

        return gated(self, max_width, fallback, level)

    def override(self, decisions: dict[str, Any], who: str, why: str) -> Planned:
        """The plan that people put in its place, with its own objective and violations; recorded, not certified."""
        from estimators.forecast.planning.gate import overridden

        return overridden(self, decisions, who, why)

    def sensitivity(self, parameter: str, share: float) -> Any:
        """How the plan changes if a parameter (or node) of the model is off by a share."""
        from estimators.forecast.diagnosis.sensitivity import sensitivity

        return sensitivity(self, parameter, share)

    def vector(self) -> torch.Tensor:
        """The decisions as the flat vector of `plan.decisions`."""
        if not self.decisions:
            raise refuse(
                "029",
                "an infeasible plan has no decisions",
                f"these contradict each other: {', '.join(self.infeasible_because)}",
            )
        return self.plan.decisions.flat(self.decisions)

    def noted(self, text: str, **changes: Any) -> Planned:
        """A copy with changes and one more line in its record."""
        return replace(self, record=(*self.record, text), **changes)
