"""Balance and overlap of the arms before and after weighting, from one scan.

Conventions of MatchIt's summary: differences of means in standard deviations of the arm that the estimand is about, as
it was before weighting (treated for the ATT, controls for the ATC, else the root mean of both variances); a 0/1
variable has the standard deviation sqrt(p(1-p)); every level of a text covariate counts as a 0/1 variable of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.inputs import Inputs
from estimators.effects.method import Spec
from estimators.results import Balance, Overlap
from estimators.warehouse import Relation

MOST_GROUPS = 10_000  # combinations of text levels by which the scan groups
_ARMS = (("control", 0), ("treated", 1))


@dataclass(frozen=True)
class WeightedBalance:
    """balance: one row per number or level.  overlap: one row per arm.

    By arm (2,): n units that weigh anything, their total weight, the largest weight of one (1 on average), and the
    total weight of all units before adjustment.
    """

    balance: tuple[Balance, ...]
    overlap: tuple[Overlap, ...]
    n: np.ndarray
    weight: np.ndarray
    largest_weight: np.ndarray
    base_weight: np.ndarray

    @property
    def worst(self) -> tuple[float, float]:
        """Largest absolute standardised difference before and after."""
        return (
            max((abs(b.smd_raw) for b in self.balance), default=0.0),
            max((abs(b.smd_adjusted) for b in self.balance), default=0.0),
        )


def weighted_balance(
    rows: Relation, method: str, spec: Spec, inputs: Inputs, base_weight: str = "causal_w"
) -> WeightedBalance:
    """Balance of the spec's covariates. rows: with columns causal_t (0/1) and causal_w (null: the unit is left out).

    base_weight: SQL of the weight before adjustment.
    """
    variables = _variables(rows, spec, inputs)
    columns = {"causal_b": base_weight, "causal_w": "coalesce(causal_w, 0e0)"}
    rows = rows.with_columns(columns).with_columns({f"causal_v{i}": v.sql for i, v in enumerate(variables)})
    # Grouped by the texts as well, their dummies are sums over groups and cost nothing in the scan.
    texts = [c for c in spec.covariates if c in inputs.levels]
    grouped = texts if math.prod(len(inputs.levels[c]) for c in texts) <= MOST_GROUPS else []
    summed = [i for i, v in enumerate(variables) if v.column not in grouped]
    cells = rows.aggregate(_sums(rows, summed), by={"causal_arm": "causal_t", **{c: rows.name(c) for c in grouped}})
    return _summary(_by_arm(cells, variables, summed), variables, method, spec.estimand)


def balance_sums(rows: Relation, spec: Spec, inputs: Inputs) -> tuple[Relation, dict[str, str]]:
    """Rows with the columns, and the aggregates, that `stratified_balance` asks of one arm of one stratum."""
    variables = _variables(rows, spec, inputs)
    summed = [i for i, v in enumerate(variables) if v.level is None]
    rows = rows.with_columns({f"causal_v{i}": variables[i].sql for i in summed})
    weight = " * causal_b" if spec.weights is not None else ""
    sums = {"most": "max(causal_b)" if spec.weights is not None else rows.number(1.0)}
    for i in summed:
        v = f"causal_v{i}"
        sums |= {f"bx{i}": rows.total(f"{v}{weight}"), f"bxx{i}": rows.total(f"{v} * {v}{weight}")}
    return rows, sums


def stratified_balance(
    cells: Relation, keys: Mapping[str, str], method: str, spec: Spec, inputs: Inputs, factors: Mapping[str, str]
) -> WeightedBalance:
    """The same where all units of a stratum and arm share a factor: from sums by stratum and arm.

    cells: by `keys` and causal_arm the units n, weights b and bb (`strata.arm_sums`), and `balance_sums`.
    keys: what names a stratum, each with the text covariate that it holds, or "".
    factors: SQL over s1 and s0, the weights of a stratum's arms, of the factor of each arm ("g1", "g0").
    """
    variables = _variables(cells, spec, inputs)
    texts = {key: c for key, c in keys.items() if c}
    summed = [i for i, v in enumerate(variables) if v.level is None]
    # With its frame written out: DuckDB turns the short form into a join of the grouping with itself.
    frame = "order by causal_arm rows between unbounded preceding and unbounded following"
    window = f"over (partition by {', '.join(keys)} {frame})"
    arms = {f"s{a}": f"sum(case when causal_arm = {a} then b else 0e0 end) {window}" for a in (1, 0)}
    cells = cells.with_columns(arms)
    own = f"case when causal_arm = 1 then {factors['g1']} else {factors['g0']} end"
    factor = f"case when s1 > 0e0 and s0 > 0e0 then {own} else 0e0 end"
    found = cells.with_columns({"g": factor}).aggregate(
        _sums_of_cells(cells, summed), by={"causal_arm": "causal_arm", **{c: key for key, c in texts.items()}}
    )
    return _summary(_by_arm(found, variables, summed), variables, method, spec.estimand)


def _summary(
    found: Mapping[str, np.ndarray], variables: Sequence[_Variable], method: str, estimand: str
) -> WeightedBalance:
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN where an arm has no weight at all
        return WeightedBalance(
            balance=tuple(_balance(v, method, estimand, _Moments.of(found, i)) for i, v in enumerate(variables)),
            overlap=tuple(_overlap(method, arm, at, found) for arm, at in _ARMS),
            n=found["n"].astype(int),
            weight=found["w"],
            largest_weight=found["largest"] * found["n"] / found["w"],
            base_weight=found["b"],
        )


@dataclass(frozen=True)
class _Variable:
    """A number or the dummy of a `level` of a column: `sql` gives it shifted by `center` and divided by `scale`."""

    column: str
    sql: str
    center: float = 0.0
    scale: float = 1.0
    may_be_binary: bool = True
    level: str | None = None

    @property
    def name(self) -> str:
        return self.column if self.level is None else f"{self.column} = {self.level}"


def _variables(rows: Relation, spec: Spec, inputs: Inputs) -> list[_Variable]:
    out = []
    for column in spec.covariates:
        name = rows.name(column)
        for level in inputs.levels.get(column, ()):
            sql = f"case when {name} = {rows.text(level)} then 1e0 else 0e0 end"
            out.append(_Variable(column, sql, level=level))
        if column not in inputs.levels:
            out.append(_number(column, rows.double(name), (inputs.minimum[column], inputs.maximum[column]), rows))
    return out


def _number(column: str, value: str, ends: tuple[float, float], rows: Relation) -> _Variable:
    """Scaled to about [-1/2, 1/2], so that squares lose no digits."""
    low, high = ends
    if ends == (0.0, 1.0):
        return _Variable(column, value)
    center, scale = low + (high - low) / 2.0, (high - low) or 1.0
    return _Variable(column, f"({value} - {rows.number(center)}) / {rows.number(scale)}", center, scale, False)


def _sums(rows: Relation, which: Sequence[int]) -> dict[str, str]:
    sums = {
        "n": "sum(case when causal_w > 0 then 1 else 0 end)",
        "b": rows.total("causal_b"),
        "bb": rows.total("causal_b * causal_b"),
        "w": rows.total("causal_w"),
        "ww": rows.total("causal_w * causal_w"),
        "largest": "max(causal_w)",
    }
    for i in which:
        v = f"causal_v{i}"
        sums |= {f"bx{i}": rows.total(f"causal_b * {v}"), f"bxx{i}": rows.total(f"causal_b * {v} * {v}")}
        sums |= {f"wx{i}": rows.total(f"causal_w * {v}"), f"wxx{i}": rows.total(f"causal_w * {v} * {v}")}
    return sums


def _sums_of_cells(cells: Relation, which: Sequence[int]) -> dict[str, str]:
    sums = {
        "n": "sum(case when g > 0e0 then n else 0 end)",
        "b": cells.total("b"),
        "bb": cells.total("bb"),
        "w": cells.total("g * b"),
        "ww": cells.total("g * g * bb"),
        "largest": "max(g * most)",
    }
    for name in (f"{x}{i}" for i in which for x in ("x", "xx")):
        sums |= {f"b{name}": cells.total(f"b{name}"), f"w{name}": cells.total(f"g * b{name}")}
    return sums


def _by_arm(
    cells: Mapping[str, np.ndarray], variables: Sequence[_Variable], summed: Sequence[int]
) -> dict[str, np.ndarray]:
    """Sums of the groups by arm, each (2,), with those of the dummies that the groups stand for."""
    arm = cells["causal_arm"].astype(int)

    def by_arm(values: np.ndarray) -> np.ndarray:
        return np.array([values[arm == a].sum() for a in (0, 1)], dtype=float)

    scalars = ("n", "b", "bb", "w", "ww")
    names = [*scalars, *(f"{prefix}{i}" for i in summed for prefix in ("bx", "bxx", "wx", "wxx"))]
    found = {name: by_arm(cells[name]) for name in names}
    found["largest"] = np.array([cells["largest"][arm == a].max() for a in (0, 1)], dtype=float)
    for i, variable in enumerate(variables):
        if i not in summed:
            is_level = (cells[variable.column] == variable.level).astype(float)
            found[f"bx{i}"] = found[f"bxx{i}"] = by_arm(cells["b"] * is_level)
            found[f"wx{i}"] = found[f"wxx{i}"] = by_arm(cells["w"] * is_level)
    return found


@dataclass(frozen=True)
class _Moments:
    """Of one variable, by arm (2,): means, and variances as if it were a number, before and after weighting."""

    mean: np.ndarray
    variance: np.ndarray
    adjusted: np.ndarray
    adjusted_variance: np.ndarray
    is_binary: bool

    @classmethod
    def of(cls, found: Mapping[str, np.ndarray], i: int) -> _Moments:
        mean, variance = _mean_and_variance(found["b"], found["bb"], found[f"bx{i}"], found[f"bxx{i}"])
        adjusted, adjusted_variance = _mean_and_variance(found["w"], found["ww"], found[f"wx{i}"], found[f"wxx{i}"])
        # A variable in [0, 1] equals its square everywhere only if it is 0/1; both sums ran over the same rows.
        is_binary = bool(np.all(found[f"bx{i}"] == found[f"bxx{i}"]))
        return cls(mean, variance, adjusted, adjusted_variance, is_binary)


def _mean_and_variance(w: np.ndarray, ww: np.ndarray, x: np.ndarray, xx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and variance; the divisor 1 - Σw²/(Σw)² is n - 1 over n when all weights are equal."""
    mean = x / w
    return mean, np.clip(xx / w - mean**2, 0.0, None) / (1.0 - ww / w**2)


def _balance(variable: _Variable, method: str, estimand: str, moments: _Moments) -> Balance:
    is_binary = variable.may_be_binary and moments.is_binary
    variance = moments.mean * (1.0 - moments.mean) if is_binary else moments.variance
    arms = {"ATT": [1], "ATC": [0]}.get(estimand, [0, 1])
    sd = float(np.sqrt(variance[arms].mean()))
    before, after = (float(m[1] - m[0]) for m in (moments.mean, moments.adjusted))
    means = [*moments.mean[::-1], *moments.adjusted[::-1]]
    ratio = None
    if not is_binary and moments.adjusted_variance[0] > 0:
        ratio = float(moments.adjusted_variance[1] / moments.adjusted_variance[0])
    return Balance(
        method,
        variable.name,
        *(float(m) * variable.scale + variable.center for m in means),
        smd_raw=_ratio(before, sd),
        smd_adjusted=_ratio(after, sd),
        variance_ratio=ratio,
    )


def _ratio(gap: float, sd: float) -> float:
    """A gap without any spread to measure it by is infinite, unless it is rounding."""
    if sd > 0:
        return gap / sd
    return 0.0 if abs(gap) < 1e-12 else math.copysign(math.inf, gap)


def _overlap(method: str, arm: str, at: int, found: Mapping[str, np.ndarray]) -> Overlap:
    return Overlap(
        method=method,
        arm=arm,
        n_units=int(found["n"][at]),
        effective_sample_size=float(found["w"][at] ** 2 / found["ww"][at]),
        equipoise_share=None,
        clipped_share=None,
        propensity_min=None,
        propensity_max=None,
    )
