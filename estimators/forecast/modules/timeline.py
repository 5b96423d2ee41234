"""Where asked-for labels stand on the time axis of a model: known ones by position, later ones counted on."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import torch

from estimators.errors import CausalError, refuse
from estimators.forecast.labels.dims import Dims, Index, instant


def steps(dims: Dims, time: str, asked: Index) -> torch.Tensor:
    """The step (0 = first known label) of every asked label along `time`; long integers, made once per pair.

    Labels after the known ones go on counting: by their distance if they are dates or whole numbers, otherwise in
    order. Raises CAUSAL-029 for labels that are neither known nor later.
    """
    return dims.remember(("steps", time, id(asked)), lambda: (_tensor(time, dims[time], asked), asked))[0]


def refuse_skips(dims: Dims, time: str, asked: Index) -> None:
    """Raises CAUSAL-029 unless the asked labels follow one another: a lag of one must be one step."""
    at = _first_skip(time, dims[time], asked)
    if at is not None:
        raise refuse(
            "029",
            f"inputs that skip labels of {time}",
            f"after {asked[at]!s} comes {asked[at + 1]!s}",
            fix=f"pass every label of {time} in order, and select from the result",
        )


Function = TypeVar("Function", bound=Callable[..., object])


def _constant(function: Function) -> Function:
    """Torch cannot trace the arithmetic of dates, and need not: labels are constants of a compiled graph.

    The mark that `torch.compiler.assume_constant_result` sets, set without it: it would import the compiler, which
    takes two seconds, for people who compile nothing.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@_constant
def _tensor(time: str, known: Index, asked: Index) -> torch.Tensor:
    return torch.tensor(_steps(time, known, asked), dtype=torch.long)


@_constant
def _first_skip(time: str, known: Index, asked: Index) -> int | None:
    found = _steps(time, known, asked)
    return next((at for at, (one, two) in enumerate(pairwise(found)) if two - one != 1), None)


def _steps(time: str, known: Index, asked: Index) -> list[int]:
    found = [known.positions.get(label) for label in asked]
    new = [label for label, position in zip(asked, found, strict=True) if position is None]
    if new:
        later = dict(zip(new, _later(time, known, asked, new), strict=True))
        found = [later[label] if position is None else position for label, position in zip(asked, found, strict=True)]
    return found


def _later(time: str, known: Index, asked: Index, new: list[Any]) -> list[int]:
    """Steps of labels that are not known: by the even spacing of the known ones if they have one, else in order."""
    spacing = _spacing(known)
    if spacing is None:
        return _later_in_order(time, known, asked, new)
    distance, unit, kind = spacing
    counted = []
    for label in new:
        reach = distance(known[0], label) if isinstance(label, kind) else -1
        if reach < unit * len(known) or reach % unit:
            raise _not_later(time, known, label)
        counted.append(reach // unit)
    return counted


def _later_in_order(time: str, known: Index, asked: Index, new: list[Any]) -> list[int]:
    start = asked.index(new[0])
    follows = start == 0 or asked[start - 1] == known[-1]
    if not follows or list(asked[start:]) != new:
        raise _not_later(time, known, new[0])
    return [len(known) + i for i in range(len(new))]


def _spacing(known: Index) -> tuple[Callable[[Any, Any], int], int, type] | None:
    """How dates or whole numbers are spaced evenly: (distance, its unit, type), in seconds or in months; else None."""
    kind = next((kind for kind in (datetime.date, int) if all(isinstance(label, kind) for label in known)), None)
    if kind is None or len(known) < 2:
        return None
    for distance in (_difference,) if kind is int else (_seconds, _months):
        unit = distance(known[0], known[1])
        if unit > 0 and all(distance(one, two) == unit for one, two in pairwise(known)):
            return distance, unit, kind
    return None


def _seconds(earlier: datetime.date, later: datetime.date) -> int:
    return round((instant(later) - instant(earlier)).total_seconds())


def _months(earlier: datetime.date, later: datetime.date) -> int:
    return 12 * (later.year - earlier.year) + later.month - earlier.month


def _difference(earlier: int, later: int) -> int:
    return later - earlier


def _not_later(time: str, known: Index, label: Any) -> CausalError:
    return refuse(
        "029",
        f"a label of {time} that is neither known nor later",
        f"{label!s}, where the model knows {len(known):,} labels from {known[0]!s} to {known[-1]!s}",
        fix=f"ask for known labels of {time}, or for those that follow the last one without a gap",
    )
