"""From a loss, a model and a history to an objective: every term bound to what it speaks of, or refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.table import Experiment, Experiments
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.effects import Effects, read_cells
from estimators.forecast.losses.level_noise import best_ratio, noise_at, spectrum
from estimators.forecast.losses.levels import Level, find_levels
from estimators.forecast.losses.node_fit import NodeFit, lever_regressors
from estimators.forecast.losses.objective import Agreement, Objective
from estimators.forecast.losses.observations import Observations, observations
from estimators.forecast.losses.passes import between
from estimators.forecast.losses.pool import is_named, pools, priors
from estimators.forecast.losses.terms import Agree, Fit, Loss, Pool, Smooth


def time_of(model: ModelCollection) -> str:
    """The dim along which time runs: that of the levels, trends and seasons, else the last dim of the collection."""
    times = {owner.time for owner, _ in model.declarations().values() if isinstance(getattr(owner, "time", None), str)}
    times |= {parameter.time for _, parameter in model.declarations().values() if parameter.time}
    if len(times) > 1:
        raise refuse("029", "more than one time dim", ", ".join(sorted(times)), fix="pass time= to fit")
    return times.pop() if times else model.dims.names[-1]


def objective(
    model: ModelCollection,
    history: Mapping[str, Tensor],
    loss: Loss,
    endogenous: tuple[str, ...] = (),
    hidden: Mapping[str, torch.Tensor] | None = None,
    whole: ModelCollection | None = None,
    time: str | None = None,
) -> Objective:
    """The loss on this model (or segment of one), its terms for other nodes left out.

    endogenous: levers whose history is not to be read as their effect.  hidden: cells (series, time) by node that the
    fit does not see.  whole: the collection of which `model` is a segment: experiments whose path leaves the segment
    are left out. Raises CAUSAL-029 for missing inputs and levels that are not held.
    """
    time = time or time_of(model)
    model.check(history)
    seen = _observations(model, history, loss, time, hidden or {})
    found = find_levels(model, history, tuple(seen))
    smooth = loss.of(Smooth)
    fits = {
        part.term.node: _node_fit(seen[part.term.node], part.weight, found, smooth)
        for part in loss.of(Fit)
        if part.term.node in seen
    }
    _hold_free_levels(model, fits, found, smooth)
    _excuse_levers(model, history, fits, endogenous)
    profiled = {fit.level.key for fit in fits.values() if fit.level is not None}
    made = Objective(
        model=model,
        history=history,
        fits=fits,
        agreements=_agreements(model, whole or model, history, loss, time),
        pools=[pool for weight, term in loss.of(Pool) for pool in _pools(model, term, weight)],
        smooths=_smooths(model, smooth, profiled),
        priors=priors(model),
        time=time,
    )
    made.clear_levels()
    return made


def check_names(model: ModelCollection, history: Mapping[str, Tensor], loss: Loss) -> None:
    """Raises CAUSAL-029 for a term that speaks of a node, a history or a parameter that is not there."""
    for _, term in loss.of(Fit):
        model.node(term.node)
        if term.node not in history:
            raise refuse("029", f"no history of {term.node}", f"the history has {', '.join(history)}", fix="add it")
    keys = model.declarations()
    for _, term in loss.of(Smooth):
        if not any(is_named(key, (term.name,)) for key in keys):
            raise refuse("029", f"Smooth of an unknown parameter {term.name}", f"known: {', '.join(keys)}")
    for weight, term in loss.of(Pool):
        pools(model, term.names, weight)


def _observations(
    model: ModelCollection, history: Mapping[str, Tensor], loss: Loss, time: str, hidden: Mapping[str, torch.Tensor]
) -> dict[str, Observations]:
    found = {}
    for _, term in loss.of(Fit):
        if term.node in model.nodes:
            seen = observations(term, history[term.node], model.nodes[term.node].dims, time)
            found[term.node] = seen.without(hidden[term.node]) if term.node in hidden else seen
    for _, term in loss.of(Agree):
        for row in leaving_fit(term):
            if row.outcome in found:
                cells = found[row.outcome].rows(read_cells(row, model, time)) > 0
                found[row.outcome] = found[row.outcome].without(cells)
    return found


def leaving_fit(term: Agree) -> Experiments:
    """The experiments whose windows leave the fit of their outcome."""
    if term.leaves_fit == "none":
        return Experiments()
    return term.experiments if term.leaves_fit == "all" else term.experiments.observational


def _node_fit(seen: Observations, weight: float, levels: Iterable[Level], smooth: tuple) -> NodeFit:
    level = next((level for level in levels if level.adds_to == seen.node), None)
    fit = NodeFit(seen, weight, level, variance=1.0 if seen.is_known else None)
    told = [(own, term) for own, term in smooth if level is not None and is_named(level.key, (term.name,))]
    if told:
        own, term = told[-1]
        fit = replace(fit, ratio=term.scale**2 * weight / max(own, 1e-12), is_ratio_set=True)
    return fit


def _hold_free_levels(model: ModelCollection, fits: dict[str, NodeFit], levels: Iterable[Level], smooth: tuple) -> None:
    """Levels that do not add to a fitted node are parameters: something must hold them, and the noise must be known."""
    free = [level for level in levels if level.adds_to is None]
    loose = [level.key for level in free if not any(is_named(level.key, (term.name,)) for _, term in smooth)]
    if loose:
        raise refuse(
            "029",
            "a local level that nothing holds",
            f"{', '.join(loose)} does not simply add to a node with a Fit, so that it cannot be integrated out",
            fix=f"add Smooth({loose[0]!r}, ...) to the loss",
        )
    makers = {level.key.split(".")[0] for level in free}
    for node, fit in fits.items():
        if fit.variance is None and model.nodes[node].module in makers:
            fits[node] = replace(fit, variance=_variance_of_the_series(fit))


def _variance_of_the_series(fit: NodeFit) -> float:
    """Of the noise around a local level of the series as they are: a free level could otherwise take all the noise."""
    seen = fit.observations
    rows = torch.where(seen.observed, seen.values, 0.0) / seen.scale
    walk = spectrum(seen.observed, True)
    noise = noise_at(walk, best_ratio(rows, walk))
    return float(noise.weigh(rows)[0]) / max(noise.degrees, 1)


def _excuse_levers(
    model: ModelCollection, history: Mapping[str, Tensor], fits: dict[str, NodeFit], levers: tuple[str, ...]
) -> None:
    for node, fit in fits.items():
        own = tuple(lever for lever in levers if lever in history and _reaches(model, lever, node))
        if own:
            regressors = lever_regressors(history, own, fit.observations)
            fits[node] = replace(fit, regressors=regressors)


def _reaches(model: ModelCollection, lever: str, node: str) -> bool:
    return lever in (*model.exogenous, *model.nodes) and lever != node and bool(between(model, lever, node))


def _agreements(
    model: ModelCollection, whole: ModelCollection, history: Mapping[str, Tensor], loss: Loss, time: str
) -> list[Agreement]:
    made = []
    for weight, term in loss.of(Agree):
        rows = term.experiments.where(lambda row: _is_inside(row, model, whole))
        if len(rows):
            made.append(Agreement(rows, Effects(model, history, rows, time), weight, term.exact))
    return made


def _is_inside(row: Experiment, model: ModelCollection, whole: ModelCollection) -> bool:
    if row.outcome not in model.nodes or row.lever not in (*model.exogenous, *model.nodes):
        return False
    return set(between(whole, row.lever, row.outcome)) <= set(model.nodes)


def _pools(model: ModelCollection, term: Pool, weight: float) -> list:
    names = tuple(name for name in term.names if any(is_named(key, (name,)) for key in model.declarations()))
    return [] if term.names and not names else pools(model, names, weight)


def _smooths(model: ModelCollection, smooth: tuple, profiled: set[str]) -> list[tuple[float, str, str, float]]:
    return [
        (weight, key, term.dim, term.scale)
        for weight, term in smooth
        for key in model.declarations()
        if is_named(key, (term.name,)) and key not in profiled
    ]
