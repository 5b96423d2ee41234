"""Drift alarms: do residuals since the fit have another mean or spread than before, at a stated false-alarm rate?

Every suffix of the new period is compared with all before it, in all series and for both kinds. The largest statistic
is held against the same maximum over permutations of time (Westfall and Young 1993, max-T), the same for all series.
So one look at all series raises a false alarm with the stated probability, whatever the law of the residuals and
however series move together, as long as innovations are exchangeable over time.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.draws import generator
from estimators.errors import CausalError, Fault
from estimators.forecast.diagnosis.whitening import autocorrelation, whitened

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("mean", "spread")
_LEAST_REFERENCE = 20  # periods: fewer say too little about the neighbours' correlation


@dataclass(frozen=True)
class Drift:
    """series: frame with a row per series and kind: series, kind, statistic, p_value (adjusted), since, size, is_alarm.

    since: position in the new period where the drift seems to begin, or its label.  size: change of the mean, or of the
    mean absolute residual, in standard deviations of the reference.  false_alarm_rate: of the whole look.
    """

    series: pd.DataFrame
    false_alarm_rate: float
    n_reference: int
    n_new: int
    n_permutations: int

    @property
    def alarms(self) -> pd.DataFrame:
        """The rows that raise an alarm, the surest first. Both kinds may: a mean that moves widens the spread too."""
        rows = self.series[self.series["is_alarm"]]
        return rows.sort_values(["p_value", "statistic"], ascending=[True, False], ignore_index=True)


def drift_of(
    reference: np.ndarray,
    new: np.ndarray,
    *,
    names: Sequence[Hashable] | None = None,
    periods: Sequence[Any] | None = None,
    false_alarm_rate: float = 0.05,
    n_permutations: int = 999,
    least_periods: int = 2,
    seed: int | str = 0,
) -> Drift:
    """Drift of residual series: `reference` (n, k) from before, `new` (m, k) since, NaN where a value is missing.

    Both must be made alike: one-step errors, say, not residuals in sample beside errors out of sample.
    names, periods: labels of the series and of the new rows.  least_periods: a shorter end is no drift.
    Raises CausalError 029 for too short a reference, no new rows, infinities, or too few permutations for the rate.
    """
    import pandas as pd

    reference, new = _two_dimensional(reference), _two_dimensional(new)
    faults = list(_faults(reference, new, false_alarm_rate, n_permutations, least_periods))
    if faults:
        raise CausalError(*faults)
    residuals = np.vstack([reference, new])
    scores = _scores(whitened(residuals, autocorrelation(reference)))
    latest_first = np.arange(len(scores))[::-1][: len(new)]
    observed = _suffix_statistics(scores, latest_first, least_periods)
    by_chance = _largest_by_chance(scores, len(new), least_periods, n_permutations, generator(seed, "drift"))
    lengths = least_periods + observed.argmax(axis=0)
    table = {
        "series": list(range(new.shape[1]) if names is None else names) * len(KINDS),
        "kind": np.repeat(KINDS, new.shape[1]),
        "statistic": observed.max(axis=0),
        "p_value": _p_values(observed.max(axis=0), by_chance),
        "since": [(periods[i] if periods is not None else i) for i in len(new) - lengths],
        "size": _sizes(residuals, len(reference), lengths),
    }
    frame = pd.DataFrame(table)
    frame["is_alarm"] = frame["p_value"] <= false_alarm_rate
    return Drift(frame, false_alarm_rate, len(reference), len(new), n_permutations)


def _two_dimensional(values: Any) -> np.ndarray:
    table = np.asarray(values, dtype=float)
    return table[:, None] if table.ndim == 1 else table


def _faults(
    reference: np.ndarray, new: np.ndarray, rate: float, n_permutations: int, least_periods: int
) -> Iterator[Fault]:
    if len(reference) < _LEAST_REFERENCE:
        detail = f"{len(reference)} periods before, {_LEAST_REFERENCE} are needed"
        yield Fault("029", "too short a past to see drift", (detail,), "look again later, or take more history")
    if len(new) < least_periods:
        detail = f"{len(new)} new periods, {least_periods} are needed"
        yield Fault("029", "nothing new to see drift in", (detail,), "look again when there are more")
    if reference.shape[1] != new.shape[1]:
        detail = f"{reference.shape[1]} series before, {new.shape[1]} since"
        yield Fault("029", "series before and since differ", (detail,), "give the same series in the same order")
    broken = int(np.isinf(reference).sum() + np.isinf(new).sum())
    if broken:
        yield Fault("029", "infinite residuals", (f"{broken} values",), "correct the forecasts they come from")
    if not 0.0 < rate < 1.0 or rate * (n_permutations + 1) < 1.0:
        detail = f"rate {rate:g} with {n_permutations} permutations: the smallest p-value is 1/{n_permutations + 1}"
        yield Fault("029", "false-alarm rate out of reach", (detail,), "take a rate in (0, 1) and more permutations")


def _scores(innovations: np.ndarray) -> np.ndarray:
    """Innovations and their distances from the median, (n, 2k), each series with mean 0 and spread 1; NaN stays."""
    distances = np.abs(innovations - np.nanmedian(innovations, axis=0))
    both = np.hstack([innovations, distances])
    centred = both - np.nanmean(both, axis=0)
    spread = np.nanstd(both, axis=0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0.0)


def _suffix_statistics(scores: np.ndarray, rows: np.ndarray, least: int) -> np.ndarray:
    """Two-sample statistics (m − least + 1, 2k) of the first `least`, ..., m of `rows` against all other rows."""
    chosen = scores[rows]
    n_in = np.cumsum(~np.isnan(chosen), axis=0)[least - 1 :]
    total = np.cumsum(np.nan_to_num(chosen), axis=0)[least - 1 :]
    n_out = (~np.isnan(scores)).sum(axis=0) - n_in
    usable = (n_in >= least) & (n_out >= least)
    # scores sum to zero: means differ by total · (1/n_in + 1/n_out), and the root of that factor is the standard error
    return np.where(usable, np.abs(total) * np.sqrt(1.0 / np.maximum(n_in, 1) + 1.0 / np.maximum(n_out, 1)), 0.0)


def _largest_by_chance(
    scores: np.ndarray, n_new: int, least: int, n_permutations: int, source: np.random.Generator
) -> np.ndarray:
    """The largest statistic of all series, kinds and suffixes in each permutation of time, sorted."""
    largest = [
        _suffix_statistics(scores, source.permutation(len(scores))[:n_new], least).max() for _ in range(n_permutations)
    ]
    return np.sort(largest)


def _p_values(statistics: np.ndarray, by_chance: np.ndarray) -> np.ndarray:
    """Share of the permutations, the data itself counted, whose largest statistic reaches each of `statistics`."""
    reached = len(by_chance) - np.searchsorted(by_chance, statistics - 1e-12, side="left")
    return (1 + reached) / (1 + len(by_chance))


def _sizes(residuals: np.ndarray, n_reference: int, lengths: np.ndarray) -> np.ndarray:
    """Change of the mean, then of the mean distance from the median, over the last `lengths` (2k,) of `residuals`."""
    reference = residuals[:n_reference]
    scale = np.nanstd(reference, axis=0)
    distances = np.abs(residuals - np.nanmedian(reference, axis=0))
    both = np.hstack([residuals, distances])
    change = [_mean(c[-n:]) - _mean(c[:-n]) for c, n in zip(both.T, lengths, strict=True)]
    return np.divide(change, np.tile(scale, 2), out=np.full(len(change), math.nan), where=np.tile(scale, 2) > 0.0)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
