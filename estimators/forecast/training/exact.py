"""Effects that are met exactly: an augmented Lagrangian on the way, and Newton steps to the point at the end."""

from __future__ import annotations

import torch

from estimators.errors import refuse
from estimators.forecast.losses.objective import Agreement, Objective
from estimators.forecast.training.parameters import Flat

CLOSE = 1e-9  # relative to the largest effect
NEWTON_STEPS = 30


def raise_multipliers(objective: Objective) -> None:
    """The step of the augmented Lagrangian between rounds (Nocedal and Wright 2006, eq. 17.39)."""
    with torch.no_grad():
        evaluation = objective.evaluate()
    for agreement, predicted in zip(objective.agreements, evaluation.effects, strict=True):
        if agreement.is_exact:
            agreement.raise_multiplier(predicted)


def meet_exactly(objective: Objective, flat: Flat) -> None:
    """Moves the parameters by the least amount, in their units, that makes the effects the measured ones.

    Raises CAUSAL-029 with the experiments that no parameters meet together.
    """
    exact = [i for i, agreement in enumerate(objective.agreements) if agreement.is_exact]
    agreements = [objective.agreements[i] for i in exact]
    measured = torch.cat([agreement.measured for agreement in agreements])
    for _ in range(NEWTON_STEPS):
        evaluation = objective.evaluate()
        predicted = torch.cat([evaluation.effects[i] for i in exact])
        apart = (predicted - measured).detach()
        if float(apart.abs().max()) <= CLOSE * float(measured.abs().max()):
            return
        rows = [flat.gradient(effect, retain_graph=True) * flat.scale for effect in predicted]
        jacobian = torch.stack(rows)
        step = torch.linalg.lstsq(jacobian, -apart[:, None], driver="gelsd").solution[:, 0]
        flat.write(flat.read() + flat.scale * step * min(1.0, 3.0 / float(step.abs().max().clamp(min=1e-300))))
    raise _unmet(agreements, apart)


def _unmet(agreements: list[Agreement], apart: torch.Tensor) -> Exception:
    rows = [row for agreement in agreements for row in agreement.experiments]
    worst = sorted(zip(apart.abs().tolist(), rows, strict=True), key=lambda pair: -pair[0])[:5]
    return refuse(
        "029",
        "experiments that cannot all be met exactly",
        *(f"{row.label}: measured {row.effect:g}, missed by {miss:.3g}" for miss, row in worst),
        fix="leave out contradicting experiments, give the parameter more dims, or use Agree without exact",
    )
