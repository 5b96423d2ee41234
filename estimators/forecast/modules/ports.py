"""What a module takes and gives: the dims and the unit of every input and output."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, init=False)
class Port:
    """dims: names of the dims.  unit: any text; connected ports must agree, and None agrees with everything."""

    dims: tuple[str, ...]
    unit: str | None

    def __init__(self, *dims: str, unit: str | None = None) -> None:
        object.__setattr__(self, "dims", dims)
        object.__setattr__(self, "unit", unit)

    def __str__(self) -> str:
        return f"({', '.join(self.dims)}){f' in {self.unit}' if self.unit else ''}"
