"""Nodes that follow from others without anything to learn: a product of powers and a ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.module import Claim, Module, SignOf
from estimators.forecast.modules.ports import Port


class Product(Module):
    """``output = factors[0]^powers[0] × factors[1]^powers[1] × …``, all with the same dims.

    powers: one per factor, all 1 by default. What it asserts of its shape follows from them (`claim`).
    """

    def __init__(
        self,
        *factors: str,
        output: str,
        dims: tuple[str, ...],
        unit: str | None = None,
        name: str | None = None,
        powers: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name or f"Product_{output}")
        if len(set(factors)) < 2:
            raise refuse(
                "029",
                f"a product {output} of fewer than two nodes",
                f"got {', '.join(factors) or 'none'}",
                fix="name two or more different nodes",
            )
        given = (1.0,) * len(factors) if powers is None else tuple(powers)
        if len(given) != len(factors) or not all(math.isfinite(power) and power != 0 for power in given):
            raise refuse(
                "029",
                f"powers of a product {output} that do not fit its factors",
                f"factors {', '.join(factors)}, powers {', '.join(map(str, given))}",
                fix="give each factor a number other than 0",
            )
        self.powers = dict(zip(factors, given, strict=True))
        self.inputs = {factor: Port(*dims) for factor in factors}
        self.outputs = {output: Port(*dims, unit=unit)}

    def forward(self, **inputs: Tensor) -> Tensor:
        first, *others = (x if self.powers[name] == 1 else x ** self.powers[name] for name, x in inputs.items())
        for other in others:
            first = first * other
        return first

    def claim(self, output: str, moving: Sequence[str], sign_of: SignOf) -> Claim:
        """Affine in one factor; concave in positive powers that add up to at most 1 (Boyd and Vandenberghe 2004,
        section 3.2.4); each times the sign of the factors that do not move.

        A power that is no integer has no value below zero, so that the claim needs no sign of the factors that move.
        """
        tagged = super().claim(output, moving, sign_of)
        if tagged.curvature is not None:
            return tagged
        powers = [self.powers[name] for name in moving]
        still = [name for name in self.inputs if name not in moving]
        sign = math.prod(_sign(sign_of(name), self.powers[name]) for name in still)
        directions = dict.fromkeys(moving, "increasing" if sign > 0 else "decreasing") if sign else {}
        signed = [name for name in still if sign_of(name)]
        why = " and ".join(f"{name} is nowhere {'negative' if sign_of(name) > 0 else 'positive'}" for name in signed)
        if powers == [1.0]:
            return Claim("affine", directions, why if sign else "")
        if min(powers) > 0 and math.fsum(powers) <= 1.0:
            if sign:
                return Claim("concave" if sign > 0 else "convex", directions, why)
            mixed = ", ".join(name for name in still if not _sign(sign_of(name), self.powers[name]))
            return Claim(None, why=f"the sign of {mixed} is not the same everywhere")
        together = " and ".join(moving)
        return Claim(None, why=f"a product is concave in positive powers of {together} that add up to at most 1")


class Ratio(Module):
    """``output = numerator / denominator``, both with the same dims."""

    def __init__(
        self,
        numerator: str,
        denominator: str,
        *,
        output: str,
        dims: tuple[str, ...],
        unit: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name or f"Ratio_{output}")
        self.numerator, self.denominator = numerator, denominator
        self.inputs = {numerator: Port(*dims), denominator: Port(*dims)}
        self.outputs = {output: Port(*dims, unit=unit)}

    def forward(self, **inputs: Tensor) -> Tensor:
        return inputs[self.numerator] / inputs[self.denominator]

    def claim(self, output: str, moving: Sequence[str], sign_of: SignOf) -> Claim:
        """Affine in the numerator where no decision reaches the denominator, whose sign says which way."""
        tagged = super().claim(output, moving, sign_of)
        if tagged.curvature is not None:
            return tagged
        if list(moving) != [self.numerator]:
            return Claim(None, why=f"a ratio is not concave in its denominator {self.denominator}, which moves")
        sign = sign_of(self.denominator)
        if sign == 0:
            return Claim("affine")
        why = f"{self.denominator} is nowhere {'negative' if sign > 0 else 'positive'}"
        return Claim("affine", {self.numerator: "increasing" if sign > 0 else "decreasing"}, why)


def _sign(sign: int, power: float) -> int:
    """The sign of a power of what has this sign. Below zero only whole powers have a value, and even ones none."""
    if power != int(power) or power % 2 == 0:
        return 1
    return sign
