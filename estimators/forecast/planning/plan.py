"""A plan: what to decide, for how long, to which end and under which constraints, on a fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.planning import infeasible
from estimators.forecast.planning.certificate import Certificate
from estimators.forecast.planning.compiled import Bounds, Compiled, compile_constraints, known_name
from estimators.forecast.planning.composition import Shape, combined, shapes_of
from estimators.forecast.planning.decisions import Decisions
from estimators.forecast.planning.elementwise import s_curves_of
from estimators.forecast.planning.expressions import Box, Constraint, Linear, Ramp, Ratio, Support
from estimators.forecast.planning.horizon import labels_after
from estimators.forecast.planning.inputs import carry_over, given_inputs
from estimators.forecast.planning.planned import OnDraws, Planned
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.refutation import refute
from estimators.forecast.planning.signs import Signs
from estimators.forecast.planning.solvers import certified, solve
from estimators.forecast.planning.support import share_outside, support_bounds

NEARLY_EMPTY = 1e-3  # room, relative to the bound, below which the slack of every constraint is reported
SLACK_AT_MOST = 20_000  # decisions up to which it is worth the linear programs


class Plan:
    """Maximises a total over `horizon` labels after the history of a fitted model, by deciding some of its inputs.

    fitted: `fc.Fitted` (model, history, time, draws, loss).  decide: exogenous inputs.  horizon: how many labels, or
    the labels.  inputs: what the other inputs will be, over the horizon.  experiments: what was tried, for the trust
    region; those of the loss unless given. Raises CAUSAL-029 for levers that are no inputs and for inputs that nobody
    knows over the horizon.
    """

    def __init__(
        self, fitted: Any, decide: Sequence[str], horizon: int | Sequence[Any],
        inputs: Mapping[str, Tensor] | None = None, experiments: Any = None,
    ) -> None:  # fmt: skip
        self.fitted = fitted
        decide = (decide,) if isinstance(decide, str) else tuple(decide)
        unknown = [name for name in decide if name not in fitted.model.exogenous]
        if unknown or not decide:
            raise refuse(
                "029", f"a plan cannot decide {', '.join(unknown) or 'nothing'}",
                f"inputs of the model are {', '.join(fitted.model.exogenous)}",
                fix="decide inputs that no module makes",
            )  # fmt: skip
        weeks = labels_after(fitted.model.dims[fitted.time], horizon)
        lead = carry_over(fitted)
        given = given_inputs(fitted, decide, weeks, inputs or {}, lead)
        self.decisions = Decisions(fitted.model, given, decide, fitted.time, weeks, lead)
        self.experiments = _experiments(fitted) if experiments is None else tuple(experiments)
        self.objective: Linear | None = None
        self.constraints: list[Constraint | Box | Ramp] = []
        self.trust = Support()

    def maximise(self, objective: Linear) -> Plan:
        """What to maximise: a total, or totals added up. Raises CAUSAL-029 for unknown names."""
        if not isinstance(objective, Linear) or objective.by:
            raise refuse("029", "an objective that is no total", str(objective), fix='fc.total("rides"), without fc.by')
        for part in objective.parts:
            known_name(self.decisions, part.name)
        self.objective = objective
        return self

    def minimise(self, objective: Linear) -> Plan:
        """The same for a total that should be small."""
        return self.maximise(-objective)

    def subject_to(self, *constraints: Constraint | Box | Ramp | Support) -> Plan:
        """Adds constraints. `fc.support(...)` takes the place of the default trust region."""
        for constraint in constraints:
            if isinstance(constraint, Support):
                self.trust = constraint
            elif isinstance(constraint, (Constraint, Box, Ramp)):
                self.constraints.append(constraint)
            else:
                raise refuse(
                    "029", "a constraint that is none", f"got {type(constraint).__name__} {constraint!r}",
                    fix='compare a total with a number: fc.total("bonus") <= 2e6',
                )  # fmt: skip
        return self

    # --- the flat problem -------------------------------------------------------------------------------------------
    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """How every input and node bends in the decisions, by composition of the modules' tags."""
        signs = Signs(self.decisions, self.fitted.draws or ())
        return shapes_of(self.decisions.model, tuple(self.decisions.levers), signs)

    @cached_property
    def tried(self) -> Bounds:
        """The range tried, stretched as the trust region says (by a tenth where it is taken off)."""
        trust = self.trust if self.trust.stretch is not None else Support(0.1)
        return support_bounds(self.decisions, self.fitted.history, self.experiments, trust)

    def compiled(self) -> Compiled:
        """All constraints as box, rows and outcomes."""
        made = compile_constraints(self.decisions, self.constraints, self.shapes)
        if self.trust.stretch is not None:
            made.bounds.append(self.tried)
        return made

    def problem(self, compiled: Compiled) -> Problem:
        """The flat problem that solvers see. Raises CAUSAL-029 if there is no objective, or tags are refuted."""
        if self.objective is None:
            raise refuse("029", "a plan without an objective", fix='plan.maximise(fc.total("rides"))')
        shape = combined([(part.factor, self.shapes[part.name]) for part in self.objective.parts])
        curvature = "affine" if shape.curvature == "constant" else shape.curvature
        region = compiled.region(self.decisions.size)
        start = torch.minimum(torch.maximum(self.as_last(), region.lower), region.upper)
        made = Problem(self.value_at, region, curvature, shape.why, outcomes=tuple(compiled.outcomes), start=start)
        refute(made)
        if made.is_concave or made.outcomes:
            return made
        curves = s_curves_of(self.decisions, self.objective, region)
        return made if curves is None else replace(made, curves=curves, why="S-curves of one decision each, by tag")

    def value_at(self, x: torch.Tensor, state: Mapping[str, torch.Tensor] | None = None) -> torch.Tensor:
        """The objective at a flat vector, with the parameters of a draw if given."""
        return self.decisions.evaluate(self.objective, x, state)

    def as_last(self) -> torch.Tensor:
        """The status quo: every lever as it was at the last label of the history."""
        values = {}
        for name, lever in self.decisions.levers.items():
            past = self.decisions.given[name]
            if self.decisions.time not in past.axes:
                values[name] = past
                continue
            axis = past.axes.axis(self.decisions.time)
            last = past.data.narrow(axis, self.decisions.lead - 1, 1)
            values[name] = Tensor(last.expand(lever.axes.shape).clone(), lever.axes)
        return self.decisions.flat(values)

    # --- solving ----------------------------------------------------------------------------------------------------
    def solve(self, tol: float = 1e-6, start: torch.Tensor | None = None) -> Planned:
        """The best plan, its certificate and what it costs; a plan without decisions where constraints contradict.

        start: a flat vector to search from, such as that of a plan under much the same model; the status quo without.
        """
        compiled = self.compiled()
        because = self._conflict(compiled)
        if because:
            return self._infeasible(because)
        problem = self.problem(compiled)
        if start is not None:
            region = problem.region
            problem = replace(problem, start=torch.minimum(torch.maximum(start, region.lower), region.upper))
        if problem.outcomes:
            x, worst = infeasible.nearest(self._pieces(compiled), problem.outcomes, self.decisions.size, problem.start)
            if worst > infeasible.SATISFIED:
                return self._infeasible(self._conflict_of_outcomes(compiled, x))
            problem = replace(problem, start=x)
        solution = solve(problem, tol)
        return self.planned(solution, problem, compiled)

    def _pieces(self, compiled: Compiled) -> list[Any]:
        return [*compiled.bounds, *compiled.rows]

    def _conflict(self, compiled: Compiled) -> tuple[str, ...]:
        return infeasible.conflict(self._pieces(compiled), self.decisions.size)

    def _conflict_of_outcomes(self, compiled: Compiled, x: torch.Tensor) -> tuple[str, ...]:
        return infeasible.conflict_through_outcomes(self._pieces(compiled), compiled.outcomes, self.decisions.size, x)

    def _infeasible(self, because: tuple[str, ...]) -> Planned:
        why = Certificate("none", None, f"no plan satisfies these together: {'; '.join(because)}")
        return Planned(self, {}, float("nan"), why, infeasible_because=because, status="infeasible")

    def planned(self, solution: Solution, problem: Problem, compiled: Compiled) -> Planned:
        """Decisions by label, with everything that is said of them."""
        x, region = solution.x, problem.region
        self._refuse_negative_denominators(x, compiled)
        violations, relative = self.violations_at(x, compiled)
        return Planned(
            self, self.decisions.tensors(x), solution.value, certified(problem, solution), violations, relative,
            self._prices(solution, problem, compiled), slack=self._slack(x, region, compiled), fresh=self.on_draws(x),
            status_quo=float(self.value_at(self.as_last())), share_outside=share_outside(x, self.tried),
            method=solution.method, iterations=solution.iterations,
        )  # fmt: skip

    def _refuse_negative_denominators(self, x: torch.Tensor, compiled: Compiled) -> None:
        for denominator in compiled.positive:
            if bool((self.decisions.evaluate(denominator, x).detach() <= 0).any()):
                raise refuse(
                    "029", f"a ratio over {denominator}, which is not positive at the plan", fix="constrain the parts"
                )

    def violations_at(
        self, x: torch.Tensor, compiled: Compiled | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """By constraint: the largest violation in its own units, and over the size of its bound."""
        compiled = compiled or self.compiled()
        found, relative, point = {}, {}, x.detach().numpy()
        for bounds in compiled.bounds:
            excess = torch.maximum(bounds.lower - x, x - bounds.upper).clamp_min(0.0)
            found[bounds.name] = max(float(excess.max()), found.get(bounds.name, 0.0))
            relative[bounds.name] = max(float((excess / (1.0 + x.abs())).max()), relative.get(bounds.name, 0.0))
        for rows in compiled.rows:
            excess = rows.excess(point)
            size = np.maximum(1.0, np.abs(np.where(np.isfinite(rows.high), rows.high, rows.low)))
            found[rows.name] = max(float(excess.max(initial=0.0)), found.get(rows.name, 0.0))
            relative[rows.name] = max(float((excess / size).max(initial=0.0)), relative.get(rows.name, 0.0))
        for outcome in compiled.outcomes:
            with torch.no_grad():
                worst = max(float(outcome.function(x).max()), 0.0)
            found[outcome.name], relative[outcome.name] = worst, worst / outcome.scale
        return found, relative

    def _prices(self, solution: Solution, problem: Problem, compiled: Compiled) -> dict[str, float | Tensor]:
        """By constraint of totals, the objective per unit of its bound; ramps have one per cell, left out.

        Of a ratio the price is that of its level: a unit of the level is worth as much as the denominator is large.
        """
        named = {c.name: c for c in self.constraints if isinstance(c, Constraint)}
        prices = {n: v for n, v in problem.region.split(solution.prices).items() if n in named}
        for name, value in solution.outcome_prices.items():
            prices[name] = value if name in named and named[name].sense != ">=" else -value
        for name in prices:
            if name in named and isinstance(named[name].expression, Ratio):
                size = self.decisions.evaluate(named[name].expression.denominator, solution.x).detach()
                prices[name] = prices[name] * size.reshape(-1).numpy()
        return {name: self._priced(name, value, compiled) for name, value in prices.items()}

    def _priced(self, name: str, value: np.ndarray, compiled: Compiled) -> float | Tensor:
        if name not in compiled.labels:
            return float(value[0])
        axes = compiled.labels[name]
        return Tensor(torch.from_numpy(np.asarray(value, dtype=float)).reshape(axes.shape), axes)

    def _slack(self, x: torch.Tensor, region: Any, compiled: Compiled) -> dict[str, float]:
        """Room that each constraint can keep, where the region is nearly empty and small enough to ask."""
        if not compiled.rows or self.decisions.size > SLACK_AT_MOST:
            return {}
        found = infeasible.slack_of(self._pieces(compiled), self.decisions.size)
        return found if min(found.values()) < NEARLY_EMPTY else {}

    def on_draws(self, x: torch.Tensor, states: Sequence[Mapping[str, torch.Tensor]] | None = None) -> OnDraws | None:
        """The objective at x on draws of the parameters; None without draws."""
        states = self.fitted.draws if states is None else states
        if not states:
            return None
        with torch.no_grad():
            return OnDraws(np.array([float(self.value_at(x, state)) for state in states]))

    def with_constraints(self, constraints: Sequence[Constraint | Box | Ramp]) -> Plan:
        """A copy of the plan with other constraints."""
        made = object.__new__(Plan)
        made.__dict__.update(self.__dict__)
        made.constraints = list(constraints)
        return made


def _experiments(fitted: Any) -> tuple[Any, ...]:
    from estimators.forecast.losses.terms import Agree

    return tuple(row for _, term in fitted.loss.of(Agree) for row in term.experiments) if fitted.loss else ()
