"""From constraints by label to the box, rows and outcomes that solvers see; every piece keeps the constraint's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import sparse

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.planning.composition import CONSTANT, Shape, combined
from estimators.forecast.planning.decisions import Decisions, on_cells
from estimators.forecast.planning.expressions import Box, Constraint, Linear, Ramp, Ratio
from estimators.forecast.planning.problem import Outcome
from estimators.forecast.planning.region import Region, Rows, share_rows, step_rows

ROWS_BY_GRADIENT = 500  # groups of an affine outcome up to which its rows are read off, one backward pass each


@dataclass(frozen=True)
class Bounds:
    """What one constraint says of single decisions. lower, upper: (n,), infinite where it says nothing."""

    name: str
    lower: torch.Tensor
    upper: torch.Tensor


@dataclass
class Compiled:
    """labels: of the rows of grouped constraints, by name."""

    bounds: list[Bounds] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    labels: dict[str, Dims] = field(default_factory=dict)
    positive: list[Linear] = field(default_factory=list)

    def region(self, size: int) -> Region:
        """The intersection of everything linear. Call `infeasible` first: the box may be empty."""
        lower = torch.full((size,), -float("inf"), dtype=torch.float64)
        upper = -lower
        for bounds in self.bounds:
            lower, upper = torch.maximum(lower, bounds.lower), torch.minimum(upper, bounds.upper)
        return Region(lower, upper, tuple(self.rows), " and ".join(dict.fromkeys(b.name for b in self.bounds)) or "box")


def compile_constraints(
    decisions: Decisions, constraints: Sequence[Constraint | Box | Ramp], shapes: Mapping[str, Shape]
) -> Compiled:
    """Every constraint as box, rows or outcomes. Raises CAUSAL-029 for names and labels that are not there."""
    made = Compiled()
    for constraint in constraints:
        if isinstance(constraint, Box):
            made.bounds.append(_box(decisions, constraint))
        elif isinstance(constraint, Ramp):
            _ramp(decisions, constraint, made)
        else:
            _compare(decisions, constraint, shapes, made)
    names = [piece.name for piece in (*made.rows, *made.outcomes)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise refuse("029", "two constraints with one name", twice, fix='name one of them: (…).named("…")')
    return made


def lever_of(decisions: Decisions, name: str):
    """A decided lever. Raises CAUSAL-029 if the plan does not decide it."""
    if name not in decisions.levers:
        raise refuse(
            "029", f"a constraint on {name}, which the plan does not decide",
            f"decided are {', '.join(decisions.levers)}",
            fix="add it to decide=(…) or drop the constraint",
        )  # fmt: skip
    return decisions.levers[name]


def _open(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    lower = torch.full((size,), -float("inf"), dtype=torch.float64)
    return lower, -lower


def _box(decisions: Decisions, constraint: Box) -> Bounds:
    lever = lever_of(decisions, constraint.lever)
    lower, upper = _open(decisions.size)
    lower[lever.start : lever.stop] = on_cells(constraint.lower, lever.axes, constraint.name).ravel()
    upper[lever.start : lever.stop] = on_cells(constraint.upper, lever.axes, constraint.name).ravel()
    return Bounds(constraint.name, lower, upper)


def _ramp(decisions: Decisions, constraint: Ramp, made: Compiled) -> None:
    lever = lever_of(decisions, constraint.lever)
    axis = lever.axes.axis(constraint.dim)
    place = np.arange(lever.start, lever.stop).reshape(lever.axes.shape)
    steps = lever.axes.size(constraint.dim)
    before = np.take(place, range(steps - 1), axis).ravel()
    after = np.take(place, range(1, steps), axis).ravel()
    share, limit = constraint.share, constraint.absolute
    if len(before) and share is not None:
        made.rows.append(share_rows(constraint.name, before, after, decisions.size, share))
    elif len(before):
        made.rows.append(step_rows(constraint.name, before, after, decisions.size, limit, limit))
    if constraint.from_history and constraint.dim == decisions.time:
        past = decisions.given[lever.name]
        last = past.data.select(past.axes.axis(decisions.time), decisions.lead - 1).ravel()
        reach = last.abs() * share if share is not None else torch.full_like(last, limit)
        lower, upper = _open(decisions.size)
        first = torch.from_numpy(np.take(place, 0, axis).ravel())
        lower[first], upper[first] = last - reach, last + reach
        made.bounds.append(Bounds(constraint.name, lower, upper))


def _compare(decisions: Decisions, constraint: Constraint, shapes: Mapping[str, Shape], made: Compiled) -> None:
    expression, bound = _flat(constraint, made)
    for part in expression.parts:
        known_name(decisions, part.name)
    level = _level(decisions, constraint, expression, bound)
    if expression.by:
        made.labels[constraint.name] = decisions.labels_of((expression.parts[0].name,), expression.by)
    shape = combined([(part.factor, shapes[part.name]) for part in expression.parts])
    if shape.curvature == CONSTANT:
        raise refuse(
            "029", f"{constraint.name} does not depend on the decisions", f"decided are {', '.join(decisions.levers)}",
            fix="drop it, or decide what it constrains",
        )  # fmt: skip
    if (shape.curvature == "affine" and len(level) <= ROWS_BY_GRADIENT) or _is_of_levers(decisions, expression):
        made.rows.append(_rows(decisions, constraint, expression, level))
    else:
        made.outcomes += _outcomes(decisions, constraint, expression, level, shape)


def known_name(decisions: Decisions, name: str) -> None:
    """Raises CAUSAL-029 if there is neither an input nor a node of this name."""
    model = decisions.model
    if name not in model.exogenous:
        model.node(name)


def _flat(constraint: Constraint, made: Compiled) -> tuple[Linear, object]:
    """The constraint as a sum compared with a bound, buffers applied: a/b ≥ c is a − c b ≥ 0 where b > 0."""
    sign = {"<=": -1.0, ">=": 1.0, "==": 0.0}[constraint.sense]
    if not isinstance(constraint.expression, Ratio):
        return constraint.expression, constraint.bound
    ratio = constraint.expression
    level = constraint.bound + sign * constraint.buffer * abs(constraint.bound)
    made.positive.append(ratio.denominator)
    return ratio.numerator - ratio.denominator * level, 0.0


def _level(decisions: Decisions, constraint: Constraint, expression: Linear, bound: object) -> np.ndarray:
    """The bounds (m,), one per group, with their buffer."""
    if not expression.by:
        level = np.array([float(bound)])
    else:
        axes = decisions.labels_of((expression.parts[0].name,), expression.by)
        level = on_cells(bound, axes, constraint.name).ravel().numpy().copy()
    if isinstance(constraint.expression, Ratio) or constraint.sense == "==":
        return level
    return level - (1.0 if constraint.sense == "<=" else -1.0) * constraint.buffer * np.abs(level)


def _is_of_levers(decisions: Decisions, expression: Linear) -> bool:
    return all(part.name in decisions.levers for part in expression.parts)


def _rows(decisions: Decisions, constraint: Constraint, expression: Linear, level: np.ndarray) -> Rows:
    m = len(level)
    if _is_of_levers(decisions, expression):
        matrix, constant = _rows_of_levers(decisions, expression, m), np.full(m, expression.constant)
    else:
        matrix, constant = _rows_of_gradients(decisions, expression, m)
    low = np.full(m, -np.inf) if constraint.sense == "<=" else level - constant
    high = np.full(m, np.inf) if constraint.sense == ">=" else level - constant
    return Rows(constraint.name, matrix, low, high)


def _rows_of_levers(decisions: Decisions, expression: Linear, m: int) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix((m, decisions.size))
    for part in expression.parts:
        lever = decisions.levers[part.name]
        mask = decisions.mask(part, lever.axes).ravel().numpy()
        cells = np.flatnonzero(mask)
        rows = decisions.groups(lever, expression.by)[cells]
        matrix = matrix + sparse.csr_matrix(
            (np.full(len(cells), part.factor), (rows, lever.start + cells)), shape=(m, decisions.size)
        )
    return matrix.tocsr()


def _rows_of_gradients(decisions: Decisions, expression: Linear, m: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The rows of an affine outcome, read off by one backward pass each: exact, because it is affine."""
    x = torch.ones(decisions.size, dtype=torch.float64, requires_grad=True)
    values = decisions.evaluate(expression, x).reshape(-1)
    rows = [torch.autograd.grad(values[i], x, retain_graph=True)[0] for i in range(m)]
    matrix = torch.stack(rows)
    constant = (values - matrix @ x).detach().numpy()
    return sparse.csr_matrix(matrix.numpy()), constant


def _outcomes(
    decisions: Decisions, constraint: Constraint, expression: Linear, level: np.ndarray, shape: Shape
) -> list[Outcome]:
    bound = torch.from_numpy(level)
    sizes = np.abs(level[np.isfinite(level)])
    scale = max(float(sizes.max(initial=0.0)), 1e-12)
    if not sizes.any():
        zero = torch.zeros(decisions.size, dtype=torch.float64)
        parts = [abs(float(decisions.evaluate(Linear((part,)), zero))) for part in expression.parts]
        scale = max(*parts, 1e-12) if len(parts) > 1 else max(parts[0], 1e-12)
    above = {"concave": "convex", "convex": "concave"}.get(shape.curvature, shape.curvature)

    def too_much(x: torch.Tensor) -> torch.Tensor:
        return decisions.evaluate(expression, x).reshape(-1) - bound

    def too_little(x: torch.Tensor) -> torch.Tensor:
        return bound - decisions.evaluate(expression, x).reshape(-1)

    if constraint.sense == "<=":
        return [Outcome(constraint.name, too_much, shape.curvature, scale, shape.why)]
    if constraint.sense == ">=":
        return [Outcome(constraint.name, too_little, above, scale, shape.why)]
    return [
        Outcome(constraint.name, too_much, shape.curvature, scale, shape.why),
        Outcome(f"{constraint.name} (from below)", too_little, above, scale, shape.why),
    ]
