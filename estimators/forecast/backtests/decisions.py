"""Which inputs a backtest may use for the scored periods: those known at the origin, a stated policy, or what was done.

A model that has mistaken a confounded policy for an effect scores well when it is given the decisions that were really
taken, because they carry news of the outcome. So such scores are marked conditional, and never choose a model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch

from estimators.errors import refuse
from estimators.forecast.backtests.windows import Window
from estimators.forecast.labels.tensor import Tensor

KNOWN = "known at the origin"
REDRAWN = "re-drawn by a policy"
REALISED = "as they really were"

Policy = Callable[[Mapping[str, Tensor], str, tuple], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Decisions:
    """Where the inputs of the scored periods come from.

    known: inputs that were known at every origin (calendars, plans announced).  policy: called with the past inputs,
    the name of the time dim and the labels of the scored periods; says what the other inputs would have been.
    """

    known: Collection[str] = ()
    policy: Policy | None = None

    def kind(self, exogenous: Collection[str]) -> str:
        """KNOWN, REDRAWN or REALISED. Raises CausalError 029 for a known input that the model does not have."""
        unknown = [name for name in self.known if name not in exogenous]
        if unknown:
            raise refuse(
                "029",
                "inputs that are not there",
                f"known= names {', '.join(unknown)}; the model's inputs are {', '.join(exogenous) or 'none'}",
                fix="correct the names",
            )
        if set(self.known) == set(exogenous):
            return KNOWN
        return REALISED if self.policy is None else REDRAWN

    def inputs(self, window: Window, exogenous: Collection[str]) -> dict[str, Tensor]:
        """The exogenous inputs of the scored periods. Raises CausalError 029 if the policy leaves one out."""
        if self.kind(exogenous) != REDRAWN:
            return {name: window.later[name] for name in exogenous}
        made = self.policy({name: window.past[name] for name in exogenous}, window.time, window.ahead)
        missing = [name for name in exogenous if name not in made and name not in self.known]
        if missing:
            raise refuse(
                "029",
                "a policy that leaves inputs open",
                f"from {window.ahead[0]} on it says nothing of {', '.join(missing)}",
                fix="return a tensor for each, or name those known at the origin in known=",
            )
        return {name: window.later[name] if name in self.known else made[name] for name in exogenous}


def as_last(periods: int = 1) -> Policy:
    """A policy that repeats each input's last `periods` values: 52 for weeks says *as last year*, 1 *as last week*."""

    def policy(past: Mapping[str, Tensor], time: str, ahead: tuple) -> dict[str, Tensor]:
        return {name: _repeated(tensor, periods, time, ahead) for name, tensor in past.items()}

    return policy


def as_usual(periods: int) -> Policy:
    """A policy that gives each input the mean of its last `periods` values: what is best said of weather far ahead."""

    def policy(past: Mapping[str, Tensor], time: str, ahead: tuple) -> dict[str, Tensor]:
        return {name: _averaged(tensor, periods, time, ahead) for name, tensor in past.items()}

    return policy


def _averaged(tensor: Tensor, periods: int, time: str, ahead: tuple) -> Tensor:
    if time not in tensor.dims:
        return tensor
    axis, size = tensor.dims.index(time), tensor.axes.size(time)
    mean = tensor.data.narrow(axis, max(0, size - periods), min(periods, size)).mean(axis, keepdim=True)
    return Tensor(mean.repeat_interleave(len(ahead), axis), tensor.axes.replace(**{time: ahead}))


def _repeated(tensor: Tensor, periods: int, time: str, ahead: tuple) -> Tensor:
    if time not in tensor.dims:
        return tensor
    axis = tensor.dims.index(time)
    last = tensor.data.narrow(axis, tensor.data.shape[axis] - periods, periods)
    chosen = torch.arange(len(ahead)) % periods
    return Tensor(last.index_select(axis, chosen), tensor.axes.replace(**{time: ahead}))
