"""What a plan maximises and obeys, as it is written: totals, ratios, groups, boxes, ramps and the trust region.

``fc.total("bonus", "coupon") <= 2e6``, ``fc.total("revenue") / fc.total("rides") >= 3.1``,
``fc.by("region", fc.total("bonus")) <= regional``, ``fc.box("bonus", 0, caps)``, ``fc.ramp("bonus", "week", 0.2)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Literal

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor

Sense = Literal["<=", ">=", "=="]


@dataclass(frozen=True)
class Part:
    """factor × the total of one input or node over the horizon, over some of its labels only if `only` says so."""

    name: str
    factor: float = 1.0
    only: tuple[tuple[str, tuple], ...] = ()

    def __str__(self) -> str:
        inside = ", ".join([self.name, *(f"{dim}={'|'.join(map(str, labels))}" for dim, labels in self.only)])
        return f"total({inside})" if self.factor == 1 else f"{self.factor:g}·total({inside})"


@dataclass(frozen=True)
class Linear:
    """A sum of totals and a number; by: the dims that are kept instead of summed over."""

    parts: tuple[Part, ...]
    constant: float = 0.0
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = " + ".join([*map(str, self.parts), *([f"{self.constant:g}"] if self.constant else [])])
        return f"by({', '.join(self.by)}, {text})" if self.by else text

    def __add__(self, other: Linear | float) -> Linear:
        if isinstance(other, Linear):
            self._refuse_other_groups(other)
            return replace(self, parts=(*self.parts, *other.parts), constant=self.constant + other.constant)
        return replace(self, constant=self.constant + _number(other))

    __radd__ = __add__

    def __neg__(self) -> Linear:
        return self * -1.0

    def __sub__(self, other: Linear | float) -> Linear:
        return self + (-other)

    def __rsub__(self, other: float) -> Linear:
        return -self + other

    def __mul__(self, factor: float) -> Linear:
        factor = _number(factor)
        parts = tuple(replace(part, factor=part.factor * factor) for part in self.parts)
        return replace(self, parts=parts, constant=self.constant * factor)

    __rmul__ = __mul__

    def __truediv__(self, other: Linear | float) -> Linear | Ratio:
        if isinstance(other, Linear):
            self._refuse_other_groups(other)
            return Ratio(self, other)
        return self * (1.0 / _number(other))

    def __le__(self, bound: Any) -> Constraint:
        return compared(self, "<=", bound)

    def __ge__(self, bound: Any) -> Constraint:
        return compared(self, ">=", bound)

    def __eq__(self, bound: Any) -> Constraint:  # type: ignore[override]
        return compared(self, "==", bound)

    __hash__ = object.__hash__

    def _refuse_other_groups(self, other: Linear) -> None:
        if self.by != other.by:
            raise refuse("029", "two expressions by other groups", f"{self} and {other}", fix="group both alike")


@dataclass(frozen=True)
class Ratio:
    """One sum of totals over another, which must be positive; it is compared with numbers only."""

    numerator: Linear
    denominator: Linear

    def __str__(self) -> str:
        return f"{self.numerator} / {self.denominator}"

    def __le__(self, bound: float) -> Constraint:
        return self._compared("<=", bound)

    def __ge__(self, bound: float) -> Constraint:
        return self._compared(">=", bound)

    def _compared(self, sense: Sense, bound: float) -> Constraint:
        level = _number(bound)
        return Constraint(self, sense, level, f"{self} {sense} {level:g}")


@dataclass(frozen=True, eq=False)
class Constraint:
    """expression (sense) bound. bound: a number, or per group a dict by label or a labelled tensor.

    buffer: how much of the bound's size is kept free, as a share.
    """

    expression: Linear | Ratio
    sense: Sense
    bound: Any
    name: str
    buffer: float = 0.0

    def __bool__(self) -> bool:
        raise refuse(
            "029",
            "a constraint read as true or false",
            f"{self.name}; Python splits a <= x <= b in two and keeps the second",
            fix="write two constraints",
        )

    def named(self, name: str) -> Constraint:
        """The same constraint under a name of your own."""
        return replace(self, name=name)

    def with_buffer(self, share: float) -> Constraint:
        """The same constraint tightened by a share of its bound, against what the model does not know."""
        if not 0 <= share < 1 or self.sense == "==":
            raise refuse(
                "029", f"a buffer of {share:g} on {self.name}", fix="a share of at least 0 and below 1 of a <= or >="
            )
        return replace(self, buffer=share)


@dataclass(frozen=True)
class Box:
    """lower ≤ every cell of a lever ≤ upper; numbers or labelled tensors that broadcast over its cells."""

    lever: str
    lower: Any
    upper: Any
    name: str


@dataclass(frozen=True)
class Ramp:
    """Steps along `dim`: at most a share of the label before, or at most `absolute`; the first follows the history."""

    lever: str
    dim: str
    share: float | None
    absolute: float | None
    from_history: bool
    name: str


@dataclass(frozen=True)
class Support:
    """Decisions stay within what was tried, stretched by a share; None: the share outside is only counted."""

    stretch: float | None = 0.1
    levers: tuple[str, ...] = field(default=())
    name: str = "support"


def total(*names: str, **only: Any) -> Linear:
    """The total over the horizon of inputs or nodes, added up; ``total("rides", region="A")`` of some labels only."""
    if not names or not all(isinstance(name, str) for name in names):
        raise refuse(
            "029", "a total of nothing", f"got {names!r}", fix='fc.total("rides"), with names of inputs or nodes'
        )
    chosen = tuple(
        (dim, tuple(labels) if isinstance(labels, (list, tuple)) else (labels,)) for dim, labels in only.items()
    )
    return Linear(tuple(Part(name, 1.0, chosen) for name in names))


def by(dims: str | tuple[str, ...], expression: Linear) -> Linear:
    """The same expression once per label of `dims`: ``fc.by("region", fc.total("bonus")) <= {"A": 10, "B": 20}``."""
    if not isinstance(expression, Linear):
        raise refuse(
            "029", "by() of something that is no total", str(expression), fix='fc.by("region", fc.total("bonus"))'
        )
    return replace(expression, by=(dims,) if isinstance(dims, str) else tuple(dims))


def box(lever: str, lower: Any, upper: Any, name: str | None = None) -> Box:
    """Bounds of every cell of a lever: numbers, or tensors by label."""
    return Box(lever, lower, upper, name or f"box({lever})")


def ramp(
    lever: str, dim: str, share: float | None = None, *, absolute: float | None = None, from_history: bool = True,
    name: str | None = None,
) -> Ramp:  # fmt: skip
    """A lever moves by at most this share of its value at the label before, or by at most `absolute` in its own units.

    from_history: the first label of the horizon is held to the last of the history.
    """
    if (share is None) == (absolute is None) or (share if absolute is None else absolute) < 0:
        raise refuse(
            "029", f"a ramp of {lever} without a limit", f"share {share}, absolute {absolute}",
            fix="give one of both, not negative: fc.ramp(lever, dim, 0.2) or fc.ramp(lever, dim, absolute=5)",
        )  # fmt: skip
    return Ramp(lever, dim, share, absolute, from_history, name or f"ramp({lever})")


def support(stretch: float | None = 0.1, *levers: str) -> Support:
    """The trust region: within the range tried, experiments first, history second, stretched by this share.

    It is on by default. ``fc.support(None)`` takes it off; the share of decisions outside is published all the same.
    """
    return Support(stretch, levers)


def compared(expression: Linear, sense: Sense, bound: Any) -> Constraint:
    if isinstance(bound, Linear):
        return Constraint(expression - bound, sense, 0.0, f"{expression} {sense} {bound}")
    if isinstance(bound, Real):
        bound = _number(bound)
        text = f"{bound:g}"
    elif isinstance(bound, (dict, Tensor)):
        if not expression.by:
            raise refuse(
                "029",
                "a bound per label of one total",
                f"{expression} {sense} …",
                fix="wrap the total in fc.by(dim, …)",
            )
        text = "bounds by " + ", ".join(expression.by)
    else:
        raise refuse(
            "029",
            "a bound that is neither a number nor by label",
            f"{type(bound).__name__}",
            fix="a number, dict or tensor",
        )
    return Constraint(expression, sense, bound, f"{expression} {sense} {text}")


def _number(value: Any) -> float:
    if isinstance(value, Real) and value == value:
        return float(value)
    raise refuse(
        "029",
        "totals combine with totals and numbers only",
        f"got {type(value).__name__} {value!r}",
        fix="add, subtract or scale them",
    )
