"""Coarsening: from each covariate to the number of its bin, in SQL, and from all bins to a few integer keys.

Conventions of MatchIt (`method = "cem"`): a bin is closed on the left; Sturges, Scott and Freedman-Diaconis give the
number of equally wide bins between minimum and maximum. R's cem counts Sturges as breakpoints and closes bins on the
right: that is ``"cem-sturges"``. Text and booleans are matched exactly; a whole number that takes no more values than
there are bins falls apart into its values by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.inputs import Inputs
from estimators.errors import refuse
from estimators.warehouse import Relation

Bins = str | int | Sequence[float]
DEFAULT_QUANTILES = 5
_COMPARED = 8  # up to so many cutpoints are compared one by one; more are found by division
_EXACT = 2.0**53  # keys are doubles: whole numbers below this are exact


@dataclass(frozen=True)
class Coarsening:
    """keys: SQL of the columns that together name a stratum.  cutpoints: by covariate, for the record.

    A covariate that is matched exactly has no cutpoints.  most_strata: how many there can be (infinity: unknown).
    """

    keys: Mapping[str, str]
    cutpoints: Mapping[str, tuple[float, ...]]
    most_strata: float


@dataclass(frozen=True)
class Binned:
    """SQL of a whole number in [0, radix), and the cutpoints behind it (empty: exact values)."""

    sql: str
    radix: float
    cutpoints: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Facts:
    """What the automatic rules ask of a number. quantiles: by share."""

    n: int
    low: float
    high: float
    variance: float
    quantiles: Mapping[float, float]


def coarsen(
    relation: Relation,
    inputs: Inputs,
    covariates: Sequence[str],
    exact: Sequence[str] = (),
    cutpoints: Mapping[str, Bins] | None = None,
    bins: Bins = "sturges",
) -> Coarsening:
    """How each of `covariates` is coarsened. cutpoints: bins by covariate, where not `bins`.

    Bins: a list of cutpoints, a number of bins, ``sturges``, ``cem-sturges``, ``scott``, ``fd`` or ``quantile(k)``.
    Scans: none, or one where the rule needs quantiles or variances or a number is matched exactly.
    Raises CausalError 001 for an unknown rule, 003 for options that name no covariate.
    """
    rules = {c: (cutpoints or {}).get(c, bins) for c in covariates}
    _require_known([*exact, *(cutpoints or {})], covariates)
    numbers = [c for c in covariates if c not in inputs.levels]
    exact = [c for c in numbers if c in exact or inputs.kinds[c] == "boolean" or _is_zero(rules[c])]
    facts = _facts(relation, inputs, [c for c in numbers if c not in exact], rules)
    whole = _whole(relation, inputs, exact)
    binned: dict[str, Binned] = {}
    keys: dict[str, str] = {}
    for column in covariates:
        name = relation.name(column)
        if column in inputs.levels or (column in exact and column not in whole):
            keys[f"causal_k{len(keys)}"] = name
        elif column in exact:
            binned[column] = _exactly(relation, column, inputs)
        else:
            binned[column] = cut(relation, relation.double(name), rules[column], facts[column])
    for sql in _packed(relation, list(binned.values())):
        keys[f"causal_k{len(keys)}"] = sql
    if not keys:
        keys["causal_k0"] = relation.number(0.0)
    sizes = [float(len(inputs.levels[c])) if c in inputs.levels else math.inf for c in covariates if c not in binned]
    most = math.prod([*sizes, *(b.radix for b in binned.values())])
    return Coarsening(keys, {c: b.cutpoints for c, b in binned.items() if c not in exact}, most)


def cut(relation: Relation, value: str, rule: Bins, facts: _Facts) -> Binned:
    """SQL of the bin of one number."""
    if not isinstance(rule, str | int):
        return _between(relation, value, rule)
    if isinstance(rule, str) and rule == "cem-sturges":
        return _between(relation, value, _equal_width(facts, _sturges(facts.n) - 1), is_right_closed=True)
    share = _quantiles(rule)
    if share is not None:
        return _between(relation, value, [facts.quantiles[s] for s in _shares(share)])
    points = _equal_width(facts, _number_of_bins(rule, facts))
    return _between(relation, value, points) if len(points) <= _COMPARED else _divided(relation, value, points, facts)


def _between(relation: Relation, value: str, points: Sequence[float], is_right_closed: bool = False) -> Binned:
    """The number of cutpoints at or below a value (below it, if bins are closed on the right)."""
    unique = tuple(sorted({float(p) for p in points}))
    if not all(map(math.isfinite, unique)):
        raise refuse("001", "cutpoints must be finite", f"got {list(points)}")
    sign = ">" if is_right_closed else ">="
    terms = [relation.double(f"{value} {sign} {relation.number(p)}") for p in unique]
    return Binned("(" + " + ".join(terms or [relation.number(0.0)]) + ")", len(unique) + 1.0, unique)


def _divided(relation: Relation, value: str, points: Sequence[float], facts: _Facts) -> Binned:
    """The same for many equally wide bins: a division finds the bin, two comparisons mend its rounding."""
    last = len(points)
    low, width = relation.number(facts.low), relation.number((facts.high - facts.low) / (last + 1))
    guess = f"least(greatest(floor(({value} - {low}) / {width}), 0e0), {last}e0)"
    above = f"{guess} < {last}e0 and {value} >= {low} + ({guess} + 1e0) * {width}"
    below = f"{guess} > 0e0 and {value} < {low} + {guess} * {width}"
    sql = f"({guess} + case when {above} then 1e0 when {below} then -1e0 else 0e0 end)"
    return Binned(sql, last + 1.0, tuple(points))


def _exactly(relation: Relation, column: str, inputs: Inputs) -> Binned:
    low, high = inputs.minimum[column], inputs.maximum[column]
    return Binned(f"({relation.double(relation.name(column))} - {relation.number(low)})", high - low + 1.0)


def _packed(relation: Relation, parts: Sequence[Binned]) -> list[str]:
    """As few keys as hold all bins: mixed-radix numbers, each below 2^53, so that one number names a stratum."""
    keys: list[list[str]] = []
    room = 0.0
    for part in parts:
        if part.radix == 1.0:
            continue
        if room * part.radix > _EXACT or not keys:
            keys.append([])
            room = 1.0
        keys[-1].append(part.sql if room == 1.0 else f"{relation.number(room)} * {part.sql}")
        room *= part.radix
    return [" + ".join(key) for key in keys]


def _require_known(named: Sequence[str], covariates: Sequence[str]) -> None:
    unknown = sorted(set(named) - set(covariates))
    if unknown:
        raise refuse("003", "option for a column that is no covariate", *unknown, fix="add it to covariates")


def _is_zero(rule: Bins) -> bool:
    return isinstance(rule, int) and not isinstance(rule, bool) and rule == 0


def _whole(relation: Relation, inputs: Inputs, columns: Sequence[str]) -> set[str]:
    """Those columns whose values are whole numbers in a range that a key can hold."""
    narrow = [c for c in columns if inputs.maximum[c] - inputs.minimum[c] < 2.0**20]
    if not narrow:
        return set()
    values = {c: f"{relation.double(relation.name(c))} - {relation.number(inputs.minimum[c])}" for c in narrow}
    found = relation.aggregate({c: f"sum(case when {v} = floor({v}) then 0 else 1 end)" for c, v in values.items()})
    return {c for c in narrow if found[c][0] == 0}


def _equal_width(facts: _Facts, n_bins: int) -> tuple[float, ...]:
    """Inner breaks of R's ``seq(low, high, length = n_bins + 1)``, computed in the same order of operations."""
    width = (facts.high - facts.low) / n_bins if n_bins > 1 else 0.0
    return tuple(facts.low + i * width for i in range(1, n_bins)) if width > 0 else ()


def _sturges(n: int) -> int:
    return math.ceil(math.log2(n) + 1.0)


def _number_of_bins(rule: str | int, facts: _Facts) -> int:
    if isinstance(rule, int):
        if rule < 1:
            raise refuse("001", "a number of bins must be positive", f"got {rule}")
        return rule
    if rule == "sturges":
        return _sturges(facts.n)
    width = _scott(facts) if rule == "scott" else _freedman_diaconis(facts)
    return max(1, math.ceil((facts.high - facts.low) / width)) if width > 0 else 1


def _scott(facts: _Facts) -> float:
    """Width of a bin (Scott 1979), as R's nclass.scott."""
    return 3.5 * math.sqrt(facts.variance) * facts.n ** (-1.0 / 3.0)


_TAILS = (1 / 4, *(2.0**-k for k in range(3, 10)))


def _freedman_diaconis(facts: _Facts) -> float:
    """Width of a bin (Freedman and Diaconis 1981), as R's nclass.FD: wider quantile ranges where the IQR is 0."""
    for tail in _TAILS:
        low, high = (float(f"{facts.quantiles[s]:.5g}") for s in (tail, 1.0 - tail))
        spread = (high - low) / (1.0 - 2.0 * tail)
        if spread > 0:
            return spread * facts.n ** (-1.0 / 3.0)
    return _scott(facts)


def _quantiles(rule: str | int) -> int | None:
    """k of ``quantile(k)`` (also ``qk``, as in MatchIt); None for other rules."""
    if isinstance(rule, int):
        return None
    if rule in ("quantile", "quantiles"):
        return DEFAULT_QUANTILES
    match = re.fullmatch(r"q(?:uantiles?)?\(?(\d+)\)?", rule)
    if match and int(match[1]) >= 1:
        return int(match[1])
    if rule not in ("sturges", "cem-sturges", "scott", "fd"):
        known = "sturges, cem-sturges, scott, fd, quantile(k), a number of bins or a list of cutpoints"
        raise refuse("001", "unknown rule for bins", f"got {rule}", fix=f"one of {known}")
    return None


def _shares(k: int) -> list[float]:
    """As R's seq(1/k, 1 - 1/k, by = 1/k)."""
    return [1.0 / k + i * (1.0 / k) for i in range(k - 1)]


def _facts(relation: Relation, inputs: Inputs, columns: Sequence[str], rules: Mapping[str, Bins]) -> dict[str, _Facts]:
    """One scan for the variances and quantiles that the rules ask for; none if they ask for nothing."""
    shares: dict[str, list[float]] = {}
    sums: dict[str, str] = {}
    for column in columns:
        rule, value = rules[column], relation.double(relation.name(column))
        if not isinstance(rule, str):
            continue
        k = _quantiles(rule)
        shares[column] = _shares(k) if k else ([s for t in _TAILS for s in (t, 1.0 - t)] if rule == "fd" else [])
        sums |= {f"{column}/{i}": relation.quantile(value, s) for i, s in enumerate(shares[column])}
        if rule in ("scott", "fd"):
            sums[f"{column}/variance"] = f"var_samp({value})"
    found: dict[str, Any] = {k: float(v[0]) for k, v in relation.aggregate(sums).items()} if sums else {}
    return {
        c: _Facts(
            inputs.n_units,
            inputs.minimum[c],
            inputs.maximum[c],
            found.get(f"{c}/variance", np.nan),
            {s: found[f"{c}/{i}"] for i, s in enumerate(shares.get(c, []))},
        )
        for c in columns
    }
