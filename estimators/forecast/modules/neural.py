"""A small network over the inputs of a cell: for relations that nobody can write down yet."""

from __future__ import annotations

from itertools import pairwise

import torch

from estimators.draws import generator
from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.ports import Port


class Neural(Module):
    """One hidden network shared by all cells: inputs of a cell in, one output of that cell out.

    inputs: ports by name, whose dims are among the output's.  scale: typical size by input; each is divided by it.
    hidden: units per hidden layer.  seed: of the starting weights, which depend on nothing else.
    """

    def __init__(
        self,
        inputs: dict[str, Port],
        output: dict[str, Port],
        *,
        scale: dict[str, float] | None = None,
        hidden: tuple[int, ...] = (16,),
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        (self.output,) = output
        super().__init__(name or f"Neural_{self.output}")
        self.inputs, self.outputs = dict(inputs), dict(output)
        self.scale = dict.fromkeys(inputs, 1.0) | (scale or {})
        self.hidden, self.seed = hidden, seed
        wide = {d for port in inputs.values() for d in port.dims} - set(output[self.output].dims)
        if wide:
            raise refuse(
                "029",
                f"network {self.name} sees other cells",
                f"inputs have {', '.join(sorted(wide))}, its output has ({', '.join(output[self.output].dims)})",
                fix="sum or average the input over that dim in a module of its own",
            )
        unknown = [key for key in self.scale if key not in inputs]
        if unknown:
            raise refuse(
                "029",
                f"network {self.name} has a scale for what it does not read",
                f"{', '.join(unknown)}; its inputs are {', '.join(inputs)}",
                fix="name inputs of the network",
            )

    def setup(self) -> None:
        sizes = [len(self.inputs), *self.hidden, 1]
        self.layers = torch.nn.ModuleList(
            torch.nn.Linear(before, after, dtype=torch.float64) for before, after in pairwise(sizes)
        )
        source = generator(self.seed, f"weights of {self.name}")
        with torch.no_grad():
            for layer in self.layers:  # Glorot and Bengio (2010), eq. 16: tanh keeps its variance from layer to layer
                reach = (6.0 / (layer.in_features + layer.out_features)) ** 0.5
                layer.weight.copy_(torch.from_numpy(source.uniform(-reach, reach, tuple(layer.weight.shape))))
                layer.bias.zero_()

    def forward(self, **inputs: Tensor) -> Tensor:
        axes = self._cell_axes(inputs)
        x = torch.stack([(inputs[key] / self.scale[key]).broadcast(axes).data for key in self.inputs], -1)
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.tanh(layer(x))
        return Tensor(last(x).squeeze(-1), axes)

    def _cell_axes(self, inputs: dict[str, Tensor]) -> Dims:
        window = self.window.dims or self.dims
        return window.only(*self.outputs[self.output].dims)
