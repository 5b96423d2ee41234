"""Weights of a loss chosen by blocked validation: hidden weeks and hidden experiments decide; the choice is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.experiments.split import joined
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.terms import Agree, Fit, Loss, Pool, Smooth, Weighted

KINDS: dict[str, type] = {"agree": Agree, "pool": Pool, "smooth": Smooth}
FACTORS = (0.1, 1.0, 10.0)
BLOCKS = 3


@dataclass(frozen=True)
class Choice:
    """loss: with the chosen weights.  tried: a frame with one row per combination: a factor by kind of term, the score
    on hidden weeks, on hidden experiments, their sum, and which was chosen (the smallest).
    """

    loss: Loss
    tried: Any


def choose_weights(
    fit: Any,
    model: Any,
    history: Mapping[str, Tensor],
    loss: Loss,
    factors: Mapping[str, Sequence[float]] | None,
    time: str,
) -> Choice:
    """Tries factors on the weights of each kind of term in turn (agree, pool, smooth), keeping the best of each.

    fit: trains a model anew, ``fit(model, history, loss)``. A combination is scored on BLOCKS blocks: weeks of every
    fitted node that were hidden, by mean squared error over squared noise, and experiments of `Agree` that were left
    out, those that share a cell together, by mean z². Raises CAUSAL-029 for unknown kinds.
    """
    import pandas as pd

    wanted = dict.fromkeys(KINDS, FACTORS) if factors is None else dict(factors)
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        raise refuse("029", f"weights of unknown terms {', '.join(unknown)}", f"known are {', '.join(KINDS)}")
    present = {kind: tuple(tried) for kind, tried in wanted.items() if loss.of(KINDS[kind])}
    chosen = dict.fromkeys(present, 1.0)
    scores: dict[tuple[float, ...], tuple[float, float]] = {}
    for kind, tried in present.items():
        for factor in tried:
            trial = tuple((chosen | {kind: factor}).values())
            if trial not in scores:
                scored = scaled(loss, dict(zip(present, trial, strict=True)))
                scores[trial] = score(fit, model, history, scored, time)
        column = list(present).index(kind)
        own = [key for key in scores if all(key[i] == chosen[k] for i, k in enumerate(present) if i != column)]
        chosen[kind] = min(own, key=lambda key: sum(scores[key]))[column]
    rows = [(*key, *parts, sum(parts), key == tuple(chosen.values())) for key, parts in scores.items()]
    names = [*present, "weeks_score", "experiments_score", "score", "is_chosen"]
    return Choice(scaled(loss, chosen), pd.DataFrame(rows, columns=names))


def scaled(loss: Loss, factors: Mapping[str, float]) -> Loss:
    """The loss with the weights of some kinds of terms multiplied."""
    kinds = {KINDS[kind]: factor for kind, factor in factors.items()}
    return Loss(tuple(Weighted(weight * kinds.get(type(term), 1.0), term) for weight, term in loss))


def score(fit: Any, model: Any, history: Mapping[str, Tensor], loss: Loss, time: str) -> tuple[float, float]:
    """Mean squared error over squared noise on hidden weeks, and mean z² on hidden experiments."""
    weeks, effects = [], []
    groups = [joined(term.experiments.rows) for _, term in loss.of(Agree)]
    for block in range(BLOCKS):
        kept, left = _without(loss, groups, block)
        hidden = _hidden(model, history, loss, block, time)
        fitted = fit(model.rebuilt(), hidden, kept)
        weeks += _errors(fitted, history)
        if len(left):
            effects += list(fitted.effect(left)["z"] ** 2)
    return float(np.mean(weeks)), float(np.mean(effects)) if effects else 0.0


def _without(loss: Loss, groups: list[list[list[int]]], block: int) -> tuple[Loss, Experiments]:
    """The loss without every third group of experiments, and those that were left out."""
    terms, left, number = [], [], 0
    for weight, term in loss:
        if isinstance(term, Agree):
            out = {i for g, members in enumerate(groups[number]) if g % BLOCKS == block for i in members}
            left += [row for i, row in enumerate(term.experiments) if i in out]
            rest = Experiments(tuple(row for i, row in enumerate(term.experiments) if i not in out))
            term, number = replace(term, experiments=rest), number + 1
        terms.append(Weighted(weight, term))
    return Loss(tuple(terms)), Experiments(tuple(left))


def _hidden(model: Any, history: Mapping[str, Tensor], loss: Loss, block: int, time: str) -> dict[str, Tensor]:
    """The history without one of some blocks of weeks in the second half of every fitted node."""
    hidden = dict(history)
    n_weeks = model.dims.size(time)
    length = n_weeks // (2 * BLOCKS)
    start = n_weeks - (BLOCKS - block) * length
    for _, term in loss.of(Fit):
        value = hidden[term.node]
        if time in value.axes:
            week = torch.arange(n_weeks).reshape([-1 if dim == time else 1 for dim in value.dims])
            gone = (week >= start) & (week < start + length)
            hidden[term.node] = Tensor(value.data.masked_fill(gone, torch.nan), value.axes)
    return hidden


def _errors(fitted: Any, history: Mapping[str, Tensor]) -> list[float]:
    """Squared errors over squared noise of the weeks that the fit did not see, on average by node."""
    made = fitted.nodes()
    found = []
    for node, own in fitted.objective.fits.items():
        seen = own.observations
        truth = seen.rows(history[node])
        unseen = torch.isfinite(truth) & ~seen.observed
        apart = (truth - seen.rows(made[node].broadcast(seen.axes))) / seen.scale
        if bool(unseen.any()):
            found.append(float((apart[unseen] ** 2).mean()))
    return found
