"""The contract that a replacement module must pass before the models of other teams rely on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch

from estimators.draws import generator
from estimators.errors import CausalError, Fault
from estimators.forecast.labels.operations import maximum, minimum
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.parameters import pool_names

if TYPE_CHECKING:
    from estimators.forecast.collection import ModelCollection

PAIRS = 16  # random pairs of inputs on which each tag is tried
ROUNDING = 1e-9  # relative to the size of the output; what is beyond is no rounding

Values = Mapping[str, Tensor]


class _Trial(NamedTuple):
    """The collection with the new module in place, the module, and its inputs at the history."""

    model: ModelCollection
    module: Module
    inputs: dict[str, Tensor]

    def outputs(self, inputs: Values | None = None) -> dict[str, Tensor]:
        return self.model.run(self.module.name, self.inputs if inputs is None else inputs)

    def fault(self, subject: str, *details: str, fix: str = "") -> Fault:
        return Fault("029", f"module {self.module.name} {subject}", details, fix)


def check_replacement(model: ModelCollection, module: Module, history: Values) -> ModelCollection:
    """The collection with `module` in place, if the module keeps the contract.

    The contract: its ports fit the graph; at the inputs of `history` its outputs are finite, and the same when they are
    computed twice or by a copy with the same parameters; inputs are left as they were; every parameter moves an output,
    with a finite gradient; no output depends on later labels of a dim along which the collection moves in time; and
    trying does not refute the tags `shapes` and `monotone`. To pass proves no tag: that remains the author's word.
    Raises CAUSAL-029 with every breach.
    """
    replaced = model.replace(module)
    replaced.check(history)
    with torch.no_grad():
        nodes = replaced(history)
    inputs = {name: (nodes[name] if name in nodes else history[name]).detach() for name in module.inputs}
    trial = _Trial(replaced, module, inputs)
    for breaches in (_repeats, _survives_saving, _behaves):  # what follows would only say the same thing again
        found = [*breaches(trial)]
        if found:
            raise CausalError(*found)
    return replaced


def _repeats(trial: _Trial) -> Iterator[Fault]:
    before = {name: value.data.clone() for name, value in trial.inputs.items()}
    first, second = trial.outputs(), trial.outputs()
    changed = [name for name, data in before.items() if not torch.equal(data, trial.inputs[name].data)]
    if changed:
        yield trial.fault(
            f"changes its inputs {', '.join(changed)}", fix="compute new tensors instead of writing into them"
        )
        return
    for name, value in first.items():
        wrong = int((~torch.isfinite(value.data)).sum())
        if wrong:
            yield trial.fault(
                f"gives values of {name} that are not finite",
                f"{wrong:,} of {value.data.numel():,} cells at the inputs of the history",
                fix="look for log(0), 0/0 or an exponential that is too large",
            )
        elif not _same(value, second[name]):
            yield trial.fault(f"gives another {name} each time", fix="draw random numbers in setup, not in forward")


def _survives_saving(trial: _Trial) -> Iterator[Fault]:
    copied = trial.module.unbound()
    copied.bind(trial.model.dims)
    copied.load_state_dict(trial.module.state_dict())
    first, second = trial.outputs(), trial.model.replace(copied).run(copied.name, trial.inputs)
    lost = [name for name, value in first.items() if not _same(value, second[name])]
    if lost:
        yield trial.fault(
            f"gives another {', '.join(lost)} after it was saved and loaded",
            fix="keep what forward needs in parameters or buffers, or make it in setup",
        )


def _behaves(trial: _Trial) -> Iterator[Fault]:
    yield from _gradients(trial)
    with torch.no_grad():
        yield from _looking_ahead(trial)
        yield from _tags(trial)


def _gradients(trial: _Trial) -> Iterator[Fault]:
    total = sum((value.data.sum() for value in trial.outputs().values()), torch.zeros((), dtype=torch.float64))
    named = {name: raw for name, raw in trial.module.named_parameters() if name not in _pools(trial.module)}
    if not named:
        return
    slopes: dict[str, torch.Tensor | None] = dict.fromkeys(named)
    if total.requires_grad:
        found = torch.autograd.grad(total, list(named.values()), allow_unused=True)
        slopes = dict(zip(named, found, strict=True))
    still = [name for name, slope in slopes.items() if slope is None]
    if still:
        yield trial.fault(f"does not use its parameters {', '.join(still)}", fix="use them in forward, or remove them")
    wild = [name for name, slope in slopes.items() if slope is not None and not slope.isfinite().all()]
    if wild:
        yield trial.fault(
            f"has gradients that are not finite, by {', '.join(wild)}", fix="look for log(0), 0/0 or 0**h"
        )


def _pools(module: Module) -> set[str]:
    """Parameters that only the loss `Pool` reads."""
    pooled = [name for name, _, parameter in module.declarations() if parameter.pool]
    return {part for name in pooled for part in pool_names(name)}


def _looking_ahead(trial: _Trial) -> Iterator[Fault]:
    usual = trial.outputs()
    for time in trial.model.times:
        half = trial.model.dims.size(time) // 2
        kept = slice(None, trial.model.dims[time][half - 1]) if half else None
        if kept is None or not all(time in port.dims for port in trial.module.outputs.values()):
            continue
        changed = trial.outputs({name: _changed_after(value, time, half) for name, value in trial.inputs.items()})
        early = [n for n in usual if not _same(usual[n].select(**{time: kept}), changed[n].select(**{time: kept}))]
        if early:
            yield trial.fault(
                f"knows the future of {time}",
                f"{', '.join(early)} up to {trial.model.dims[time][half - 1]!s} depends on inputs after it",
                fix="use shift, cumsum or a carry-over, which look back only",
            )


def _changed_after(value: Tensor, time: str, position: int) -> Tensor:
    if time not in value.dims:
        return value
    data = value.data.clone()
    data.narrow(value.axes.axis(time), position, value.axes.size(time) - position).mul_(1.5).add_(1.0)
    return Tensor(data, value.axes)


def _tags(trial: _Trial) -> Iterator[Fault]:
    for (output, given), claim in (*trial.module.shapes.items(), *trial.module.monotone.items()):
        yield from _tried(trial, output, given, claim)


def _tried(trial: _Trial, output: str, given: str, claim: str) -> Iterator[Fault]:
    """Looks for a pair of inputs at which an output breaks a tag; the pairs are the same every time."""
    if output not in trial.module.outputs or given not in trial.module.inputs:
        yield trial.fault(
            "has a tag of a port that it lacks", f"({output!r}, {given!r})", fix="a tag is keyed (output, input)"
        )
        return
    source = torch.Generator().manual_seed(int(generator(0, f"{output} {given} {claim}").integers(2**62)))
    for _ in range(PAIRS):
        others = {name: _anywhere(value, source) for name, value in trial.inputs.items()}
        one, two = (_anywhere(trial.inputs[given], source) for _ in range(2))
        if claim in ("increasing", "decreasing"):
            one, two = minimum(one, two), maximum(one, two)
        low, high, middle = (trial.outputs({**others, given: at})[output].data for at in (one, two, (one + two) / 2.0))
        if _refuted(claim, low, high, middle):
            yield trial.fault(
                f"is not {claim} as its tag says",
                f"{output} by {given}: a pair of inputs within the range of the history refutes it",
                fix="remove the tag, or bound the parameters so that it holds",
            )
            return


def _refuted(claim: str, low: torch.Tensor, high: torch.Tensor, middle: torch.Tensor) -> bool:
    slack = ROUNDING * (1.0 + torch.maximum(low.abs(), high.abs()))
    bend = middle - (low + high) / 2
    broken = {
        "concave": bend < -slack,
        "convex": bend > slack,
        "affine": bend.abs() > slack,
        "increasing": high - low < -slack,
        "decreasing": high - low > slack,
    }
    return bool(broken[claim].any())


def _anywhere(value: Tensor, source: torch.Generator) -> Tensor:
    """Random values between the smallest and the largest of an input (a tenth more where all are equal)."""
    low, high = float(value.data.min()), float(value.data.max())
    reach = high - low or 0.1 * abs(high) or 1.0
    return Tensor(low + reach * torch.rand(value.data.shape, generator=source, dtype=value.data.dtype), value.axes)


def _same(left: Tensor, right: Tensor) -> bool:
    return bool(((left.data == right.data) | (left.data.isnan() & right.data.isnan())).all())
