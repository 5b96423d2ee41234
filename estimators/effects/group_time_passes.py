"""Group-time effects from passes over blocks of units: with covariates, in unbalanced panels, or with a bootstrap.

An unbalanced panel keeps, in each 2x2 comparison, the units seen in both of its periods. Passes: one per Newton step of
the propensities, one for moments, one for influence values, whose cross-products are the joint covariance of all cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimators.effects.group_time_blocks import Block, Blocks, signs
from estimators.effects.group_time_cells import Cell
from estimators.effects.group_time_models import MAX_STEPS, Model, models_of
from estimators.effects.group_time_panel import Panel
from estimators.effects.group_time_sums import GroupTime
from estimators.errors import refuse
from estimators.warehouse.least_squares import collinear

HIGHEST = 0.999  # a fitted propensity from here on has no controls to speak of, as in R's did


def from_passes(
    panel: Panel,
    cells: Sequence[Cell],
    outcome: str,
    method: str,
    bootstrap: tuple[int, str] = (0, ""),
    before_treatment: bool = False,
) -> GroupTime:
    """Cells of one outcome. bootstrap: number of draws, and the seed.

    Raises CausalError 014 without overlap, 020 for collinear covariates, 026 for a comparison without units.
    """
    n_draws, seed = bootstrap
    blocks = Blocks(panel, outcome, before_treatment, seed if n_draws else None, len(cells))
    models = models_of(cells, method, panel.terms.size, bool(panel.varying), panel.is_balanced)
    _fit_propensities(panel, models, blocks)
    for model in models:
        model.begin()
    for block in blocks:
        for model in models:
            model.add_moments(block)
    att = np.zeros(len(cells))
    for model in models:
        _require_solvable(panel, model)
        att[[at for at, _ in model.cells]] = model.solve()
    joint = _Joint(panel, models, len(cells), n_draws)
    for block in blocks:
        joint.add(block)
    covariance, draws = joint.result(blocks)
    figures = {
        "largest_propensity": max(model.highest for model in models),
        "n_trimmed_controls": float(sum(model.n_trimmed for model in models)),
    }
    return GroupTime(tuple(cells), att, joint.shares, covariance, blocks.n_clusters, draws, figures)


def _fit_propensities(panel: Panel, models: Sequence[Model], blocks: Blocks) -> None:
    for _ in range(MAX_STEPS):
        open_models = [model for model in models if not model.has_converged]
        if not open_models:
            return
        for model in open_models:
            model.begin()
        for block in blocks:
            for model in open_models:
                model.add_score(block)
        for model in open_models:
            if min(model.n_units) == 0:
                raise _no_units(panel, model)
            if np.linalg.cond(model.information) > 1e14 * max(1.0, model.size):
                _refuse_singular(panel, model, model.information)
            model.step()
    raise _no_overlap(panel, next(model for model in models if not model.has_converged))


def _refuse_singular(panel: Panel, model: Model, gram: np.ndarray) -> None:
    """An information matrix without an inverse: collinear covariates at the start, separation of the arms later on."""
    if np.any(model.gamma):
        raise _no_overlap(panel, model)
    _refuse_collinear(panel, model, gram)
    raise _no_units(panel, model)


def _require_solvable(panel: Panel, model: Model) -> None:
    if min(model.n_units) == 0:
        raise _no_units(panel, model)
    if model.highest >= HIGHEST:
        raise _no_overlap(panel, model)
    if model.method != "ipw":
        _refuse_collinear(panel, model, model.sums["gram"])


def _refuse_collinear(panel: Panel, model: Model, gram: np.ndarray) -> None:
    dependent = collinear(gram, panel.terms.names) if gram[0, 0] > 0 and np.all(np.diag(gram) > 0) else []
    dependent = dependent or [n for n, own in zip(panel.terms.names, np.diag(gram), strict=True) if not own > 0]
    if dependent:
        named = ", ".join(dependent)
        detail = f"{named}: constant, or determined by the others, among the units that {_where(panel, model)}"
        raise refuse("020", "collinear covariates", detail, fix="drop them from the covariates")


def _no_units(panel: Panel, model: Model) -> Exception:
    treated, controls = model.n_units
    seen = f"{int(treated):,} units and {int(controls):,} controls"
    detail = f"{seen} are seen in both periods that {_where(panel, model)}"
    return refuse("026", "panel gaps", detail, fix="leave the cohort out, or use periods in which its units are seen")


def _no_overlap(panel: Panel, model: Model) -> Exception:
    reached = f" (propensity up to {model.highest:.4f})" if model.highest else ""
    detail = f"the covariates tell the units from their controls{reached} that {_where(panel, model)}"
    return refuse("014", "no overlap", detail, fix="use fewer or coarser covariates, or method='reg'")


def _where(panel: Panel, model: Model) -> str:
    cohort, cell = panel.label(panel.cohorts[model.cohort]), model.cells[0][1]
    base, period = (panel.label(panel.periods[at]) for at in (cell.base, cell.period))
    return f"cohort {cohort} is compared with from {base} to {period}"


class _Joint:
    """Sums of products of all units' parts in all cells and shares, of clusters where there are any, and draws."""

    def __init__(self, panel: Panel, models: Sequence[Model], n_cells: int, n_draws: int) -> None:
        self.models, self.n_cells, self.n_draws = models, n_cells, n_draws
        self.groups = len(panel.cohorts) + 1
        self.size = n_cells + self.groups
        self.has_clusters = panel.spec.cluster is not None
        self.weight = np.zeros(self.groups)
        self.products, self.drawn = np.zeros((self.size, self.size)), np.zeros((n_draws, self.size))
        self.totals, self.keys = np.zeros((0, self.size)), np.zeros(0, dtype=np.uint64)

    @property
    def shares(self) -> np.ndarray:
        return self.weight / self.weight.sum()

    def add(self, block: Block) -> None:
        parts = np.zeros((len(block.weight), self.size))
        for model in self.models:
            rows, values = model.influence(block)
            for i, (at, _) in enumerate(model.cells):
                parts[rows, at] = values[:, i]
        # Shares are divided by the total weight at the end: their parts are w / Σw.
        parts[np.arange(len(parts)), self.n_cells + block.group] = block.weight
        self.weight += np.bincount(block.group, block.weight, self.groups)
        if self.has_clusters:
            self._add_clusters(block, parts)
            return
        self.products += parts.T @ parts
        if self.n_draws:
            self.drawn += signs(block.keys, self.n_draws).T @ parts

    def _add_clusters(self, block: Block, parts: np.ndarray) -> None:
        missing = int(block.cluster.max()) + 1 - len(self.totals)
        if missing > 0:
            self.totals = np.vstack([self.totals, np.zeros((missing, self.size))])
            self.keys = np.append(self.keys, np.zeros(missing, dtype=np.uint64))
        np.add.at(self.totals, block.cluster, parts)
        if block.keys is not None:
            self.keys[block.cluster] = block.keys

    def result(self, blocks: Blocks) -> tuple[np.ndarray, np.ndarray | None]:
        """Covariance (K + C + 1, K + C + 1) and draws of the errors (B, K + C + 1)."""
        if self.has_clusters:
            self.products = self.totals.T @ self.totals
            if self.n_draws:
                self.drawn = signs(self.keys, self.n_draws).T @ self.totals
        scale = np.append(np.ones(self.n_cells), np.full(self.groups, 1.0 / self.weight.sum()))
        return self.products * np.outer(scale, scale), self.drawn * scale if self.n_draws else None
