"""The parameters that are trained, as one flat vector in units in which the loss bends about equally in all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch

PROBES = 3
STEP = 1e-4  # relative, for differences of gradients
FLATTEST = 1e-4  # curvature below this share of the median counts as this share


class Flat:
    """names, tensors: what is trained.  scale: (p,) of one unit of the vector in each raw parameter."""

    def __init__(self, named: dict[str, torch.nn.Parameter]) -> None:
        self.names = tuple(named)
        self.tensors = list(named.values())
        self.sizes = [tensor.numel() for tensor in self.tensors]
        self.scale = torch.ones(sum(self.sizes), dtype=torch.float64)

    def __len__(self) -> int:
        return sum(self.sizes)

    def read(self) -> torch.Tensor:
        """The raw values (p,), in raw units."""
        if not self.tensors:
            return torch.zeros(0, dtype=torch.float64)
        return torch.cat([tensor.detach().reshape(-1) for tensor in self.tensors])

    def write(self, values: torch.Tensor) -> None:
        """Sets the raw values (p,)."""
        with torch.no_grad():
            for tensor, part in zip(self.tensors, values.split(self.sizes), strict=True):
                tensor.copy_(part.reshape(tensor.shape))

    def gradient(self, loss: torch.Tensor, **options: bool) -> torch.Tensor:
        """Of a loss by the raw values (p,); zero for what it does not depend on."""
        if not loss.requires_grad or not self.tensors:
            return torch.zeros(len(self), dtype=torch.float64)
        parts = torch.autograd.grad(loss, self.tensors, allow_unused=True, **options)
        return torch.cat(
            [
                (torch.zeros_like(tensor) if part is None else part).reshape(-1)
                for tensor, part in zip(self.tensors, parts, strict=True)
            ]
        )

    def part(self, values: torch.Tensor, name: str) -> torch.Tensor:
        """The part of a vector (p,) that belongs to a parameter, in its shape."""
        position = self.names.index(name)
        return values.split(self.sizes)[position].reshape(self.tensors[position].shape)


def curvature(flat: Flat, gradient: Callable[[], torch.Tensor], seed: int) -> torch.Tensor:
    """The diagonal (p,) of the Hessian at the current values, estimated with random signs (Bekas et al. 2007).

    gradient: of the loss at the current values. One pass through the graph per probe and side.
    """
    start = flat.read()
    source = torch.Generator().manual_seed(seed)
    step = STEP * (1.0 + start.abs())
    total = torch.zeros_like(start)
    for _ in range(PROBES):
        sign = torch.randint(0, 2, start.shape, generator=source).to(start.dtype) * 2 - 1
        flat.write(start + step * sign)
        ahead = gradient()
        flat.write(start - step * sign)
        total += sign * (ahead - gradient()) / 2
    flat.write(start)
    return torch.nan_to_num(total / PROBES / step)


def rescale(flat: Flat, gradient: Callable[[], torch.Tensor], seed: int) -> None:
    """Chooses units: one over the square root of the mean curvature of each parameter's values, per observation."""
    if not len(flat):
        return
    found = curvature(flat, gradient, seed).abs().split(flat.sizes)
    means = torch.stack([part.mean() for part in found])
    middle = float(means[means > 0].median()) if bool((means > 0).any()) else 1.0
    units = 1.0 / means.clamp(min=FLATTEST * middle).sqrt()
    flat.scale = torch.cat([unit.expand(size) for unit, size in zip(units, flat.sizes, strict=True)])
