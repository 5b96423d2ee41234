"""What is claimed of labelled tensors: that a graph of modules costs little more than torch written by hand."""

from __future__ import annotations

from benchmarks.claims import Claim, Result
from benchmarks.measure import Measurement, measure

CELLS = 20 * 200 * 104


def same_numbers(ours: Measurement, theirs: Measurement) -> Claim:
    """Outputs and gradients agree to twelve digits."""
    gaps = [abs(ours.answer[key] / theirs.answer[key] - 1.0) for key in ("total", "gradient")]
    return Claim("same output and gradient, to 1e-12", f"{max(gaps):.1e}", max(gaps) <= 1e-12)


def forward_beside_torch() -> Result:
    """A forward and backward pass through 20 nodes × 200 regions × 104 weeks, on one thread."""
    ours = measure("a collection of 20 modules", CELLS, "forecast_forward")
    peer = measure("torch by hand", CELLS, "forecast_forward", "--by-hand")
    times = ours.fit_seconds / peer.fit_seconds
    claims = [
        Claim("a pass takes ≤ 1.5 times as long as torch by hand", f"{times:.2f} times", times <= 1.5),
        same_numbers(ours, peer),
    ]
    return Result("forecast_forward", "A graph of modules beside torch by hand", [ours, peer], claims)


USUAL = (forward_beside_torch,)
