"""How to train: the choices of `fit` that have a default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from estimators.errors import refuse

Stage = str | Sequence[str]
Progress = Callable[[str, int, float], None]


@dataclass(frozen=True)
class Options:
    """stages: ``"separate"`` (each module on observed inputs), ``"joint"``, or names of modules (that segment alone).

    seed: of everything that is drawn.  optimiser: L-BFGS for at most `steps` per round, Adam for `adam_steps`, or one
    after the other.  rate: Adam's, in units in which the loss bends equally in all parameters; it falls by a cosine to
    a fiftieth.  clip: longest gradient of Adam.  tolerance: L-BFGS ends when five steps
    together gained less than this much log-likelihood for every ten parameters.  rounds: of
    training and of estimating spreads and levels' variances anew.  heldout: last weeks that stop the training early.
    workers: modules trained side by side in the stage ``"separate"``.  progress: called with stage, step and loss.
    """

    stages: tuple[Stage, ...] = ("separate", "joint")
    seed: int = 0
    optimiser: Literal["lbfgs", "adam", "adam+lbfgs"] = "lbfgs"
    adam_steps: int = 200
    steps: int = 150
    rate: float = 0.1
    clip: float = 10.0
    tolerance: float = 1e-3
    rounds: int = 3
    heldout: int = 0
    workers: int = 1
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.optimiser not in ("adam+lbfgs", "adam", "lbfgs"):
            raise refuse("029", "an unknown optimiser", repr(self.optimiser), fix="adam+lbfgs, adam or lbfgs")
        if not self.stages:
            raise refuse("029", "no stage to train", fix='stages=("separate", "joint")')
        for name in ("steps", "rounds", "rate", "clip", "workers"):
            if not getattr(self, name) > 0:
                raise refuse("029", f"{name} must be above 0", f"got {getattr(self, name)}")
