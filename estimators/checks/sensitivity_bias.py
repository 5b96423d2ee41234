"""Bounds over a declared range of unknown confounding, the same for every method: the estimate shifted by a bias.

A bias of b standard deviations of the outcome moves the estimate by at most b·SD either way. The breakdown bias is the
one at which the interval reaches 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from estimators.checks.sensitivity_rows import Sensitivity
from estimators.effects.method import Spec
from estimators.results import Effect
from estimators.warehouse import Relation

BIASES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # in standard deviations of the outcome


@dataclass(frozen=True)
class OutcomeScale:
    """target_sd: standard deviation of the outcome in the estimand's population, which biases are counted in.

    pooled_sd: within the arms, for standardised mean differences.  is_binary: all values are 0 or 1.
    """

    target_sd: float
    pooled_sd: float
    is_binary: bool


def outcome_scales(relation: Relation, spec: Spec, outcomes: Sequence[str]) -> dict[str, OutcomeScale]:
    """`OutcomeScale` by outcome; one scan."""
    sums = {"n": "count(*)"}
    for i, column in enumerate(outcomes):
        value = relation.double(relation.name(column))
        sums |= {f"mean{i}": f"avg({value})", f"variance{i}": f"var_pop({value})"}
        sums[f"other{i}"] = f"sum(case when {value} = 0 or {value} = 1 then 0 else 1 end)"
    treatment = relation.name(spec.treatment)
    arm = f"case when {treatment} = 1 then 1 when {treatment} = 0 then 0 else 2 end"  # 2: a treatment that is a dose
    found = relation.aggregate(sums, by={"causal_t": arm})
    arms = {int(t): row for row, t in enumerate(found["causal_t"])}
    target = [row for t, row in arms.items() if t in {"ATT": (1,), "ATC": (0,)}.get(spec.estimand, (0, 1, 2))]
    out = {}
    for i, column in enumerate(outcomes):
        n, mean, variance = (found[name].astype(float) for name in ("n", f"mean{i}", f"variance{i}"))
        k = n[target]
        center = float(k @ mean[target] / k.sum())
        spread = float(k @ (variance[target] + (mean[target] - center) ** 2))
        out[column] = OutcomeScale(
            target_sd=(spread / max(k.sum() - 1.0, 1.0)) ** 0.5,
            pooled_sd=float(n @ variance / max(n.sum() - len(n), 1.0)) ** 0.5,
            is_binary=not found[f"other{i}"].sum(),
        )
    return out


def breakdown(effect: Effect) -> float:
    """The bias, in units of the outcome, at which the interval reaches 0; 0 if it includes 0 already."""
    return max(effect.ci_lower, -effect.ci_upper, 0.0)


def rows(effect: Effect, sd: float, biases: Sequence[float] = ()) -> list[Sensitivity]:
    """The effect under a bias of each size, and the breakdown bias.

    sd: of the outcome, by which biases are counted.  biases: in units of the outcome; by default `BIASES` of its SD.
    """
    out = []
    for b in sorted({abs(bias) / sd for bias in biases}) or BIASES:
        lower, upper = effect.ci_lower - b * sd, effect.ci_upper + b * sd
        words = (
            f"were the bias up to {b:.3g} SD of the outcome either way, the effect could be {lower:.4g} to {upper:.4g}"
        )
        out.append(_row(effect, "range", b, b * sd, (lower, upper), words))
    edge = breakdown(effect)
    words = (
        f"a bias of {edge / sd:.3g} SD of the outcome would make the 95 % interval include 0"
        if edge > 0.0
        else "the 95 % interval includes 0 without any bias"
    )
    return [*out, _row(effect, "breakdown", edge / sd, edge, (effect.ci_lower, effect.ci_upper), words)]


def _row(
    effect: Effect, name: str, parameter: float, value: float, interval: tuple[float, float], words: str
) -> Sensitivity:
    common = (effect.method, effect.outcome, "breakdown_bias", name, parameter, value, effect.estimate)
    return Sensitivity(*common, *interval, in_words=words)
