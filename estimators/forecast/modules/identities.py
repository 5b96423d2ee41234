"""Nodes that follow from others without anything to learn: a product and a ratio."""

from __future__ import annotations

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.ports import Port


class Product(Module):
    """``output = factors[0] × factors[1] × …``, all with the same dims."""

    def __init__(
        self, *factors: str, output: str, dims: tuple[str, ...], unit: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(name or f"Product_{output}")
        if len(set(factors)) < 2:
            raise refuse(
                "029",
                f"a product {output} of fewer than two nodes",
                f"got {', '.join(factors) or 'none'}",
                fix="name two or more different nodes",
            )
        self.inputs = {factor: Port(*dims) for factor in factors}
        self.outputs = {output: Port(*dims, unit=unit)}

    def forward(self, **inputs: Tensor) -> Tensor:
        first, *others = inputs.values()
        for other in others:
            first = first * other
        return first


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
        self.shapes = {(output, numerator): "affine"}

    def forward(self, **inputs: Tensor) -> Tensor:
        return inputs[self.numerator] / inputs[self.denominator]
