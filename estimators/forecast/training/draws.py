"""How sure the parameters are: draws by Laplace's method where they are few, by perturbed fits where they are many.

Local levels that are integrated out are drawn from their exact distribution given the other parameters, by either
method.
"""

from __future__ import annotations

from typing import Literal

import torch

from estimators.errors import refuse
from estimators.forecast.losses.objective import Objective
from estimators.forecast.training.level_draws import LevelSampler
from estimators.forecast.training.loop import Training
from estimators.forecast.training.options import Options
from estimators.forecast.training.parameters import Flat
from estimators.forecast.training.perturbed import perturbed

Method = Literal["auto", "laplace", "ensemble"]
FEW = 300  # parameters up to which the whole Hessian is computed
STEP = 1e-2  # of the scaled parameters, for differences of gradients
LEAST_BENT = 0.02  # smallest curvature in scaled units: what the data say nothing about stays within seven units


def draw(objective: Objective, options: Options, count: int, method: Method = "auto") -> list[dict[str, torch.Tensor]]:
    """States of the model's parameters (as `state_dict` has them), one per draw; the model itself is left as it is."""
    if count < 0:
        raise refuse("029", "a number of draws below zero", f"got {count}", fix="draws=0 or more")
    if count == 0:
        return []
    model = objective.model
    best = {name: value.detach().clone() for name, value in model.state_dict().items()}
    source = torch.Generator().manual_seed(options.seed + 1)
    objective.clear_levels()
    training = Training("draws", objective, options, is_by_house=True)
    training.rescale()
    flat = training.flat
    use_laplace = method == "laplace" or (method == "auto" and len(flat) <= FEW)
    sampler = LevelSampler(objective)
    values = _laplace(objective, flat, count, source) if use_laplace else _ensemble(training, flat, count, source)
    states = []
    for value in values:
        flat.write(value)
        with torch.no_grad():
            sampler.write(source)
        states.append({name: tensor.detach().clone() for name, tensor in model.state_dict().items()})
        objective.clear_levels()
    model.load_state_dict(best)
    return states


def hessian(objective: Objective, flat: Flat) -> torch.Tensor:
    """Of the loss in scaled units (p, p), by central differences of its gradient."""
    start = flat.read()
    columns = []
    for i in range(len(flat)):
        step = torch.zeros_like(start)
        step[i] = STEP * flat.scale[i]
        flat.write(start + step)
        ahead = flat.gradient(objective.evaluate().total)
        flat.write(start - step)
        behind = flat.gradient(objective.evaluate().total)
        columns.append((ahead - behind) * flat.scale / (2 * STEP))
    flat.write(start)
    matrix = torch.stack(columns)
    return 0.5 * (matrix + matrix.T)


def _laplace(objective: Objective, flat: Flat, count: int, source: torch.Generator) -> list[torch.Tensor]:
    """Normal around the best values with the inverse Hessian as covariance (MacKay 2003, ch. 27)."""
    start = flat.read()
    flat.scale = flat.scale / objective.n_observed**0.5  # units of about one standard deviation
    if not len(flat):
        return [start] * count
    values, vectors = torch.linalg.eigh(hessian(objective, flat))
    sds = 1.0 / values.clamp(min=LEAST_BENT).sqrt()
    normal = torch.randn(count, len(flat), generator=source, dtype=torch.float64)
    return list(start + flat.scale * ((normal * sds) @ vectors.T))


def _ensemble(training: Training, flat: Flat, count: int, source: torch.Generator) -> list[torch.Tensor]:
    """Fits to perturbed data and priors from the best values (randomise, then optimise: Bardsley et al. 2014)."""
    start = flat.read()
    found = []
    for _ in range(count):
        with perturbed(training.objective, source):
            training.polish()
        found.append(flat.read())
        flat.write(start)
    return found
