"""Random treatments on a pre-treatment variable: do 5 % of the 95 % intervals exclude 0, as they should?

A test of standard errors, for heavy tails, few treated units or clusters. It says nothing about confounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from estimators.checks.verdict import passed
from estimators.draws import generator
from estimators.results import Check
from estimators.study_table import ARM, StudyTable, shown

NAME = "placebo_treatment"
_MOST_UNITS = 20_000
_DRAWS = 200
_Z = 1.959963984540054
_LEVEL = 0.05
_LIMIT = 0.999  # of the binomial: one sound study in a thousand fails


@dataclass(frozen=True)
class Sample:
    """Units in the order of their hash. y: (n,) the outcome.  treated: (n,) 0/1.  cluster: (n,) codes, or None."""

    y: np.ndarray
    treated: np.ndarray
    cluster: np.ndarray | None


def check(table: StudyTable, column: str | None, seed: str) -> Check:
    """Fails if more draws reject than the binomial 99.9 % limit. column: a placebo outcome or a numeric covariate."""
    if column is None:
        reason = "no placebo outcome and no numeric covariate to draw treatments on"
        return Check(NAME, "not_evaluated", reason, is_gate=False)
    sample = _sample(table, column, seed)
    declared = table.study.checks.placebo_treatment
    n_draws = declared.draws if declared else _DRAWS
    rejected = n_rejected(sample, n_draws, generator(seed, NAME))
    limit = int(stats.binom.ppf(_LIMIT, n_draws, _LEVEL))
    figures = {"statistic": rejected / n_draws, "threshold": limit / n_draws, "outcome": shown(column)}
    units = "units by cluster" if sample.cluster is not None else "units"
    found = (
        f"{rejected} of {n_draws} random treatments of {len(sample.y):,} {units} reject at 5 % on {shown(column)}, "
        f"up to {limit} allowed"
    )
    if rejected > limit:
        fix = "winsorise, declare the cluster, or use more units"
        return Check(NAME, "fail", f"standard errors are too small for this data: {found}; fix: {fix}", **figures)
    return passed(NAME, f"{found}; a test of standard errors, not of confounding", **figures)


def n_rejected(sample: Sample, n_draws: int, random: np.random.Generator) -> int:
    """Draws (all at once, as a matrix) in which |t| of the difference in means exceeds 1.96."""
    if sample.cluster is None:
        draws = random.permuted(np.repeat(sample.treated[:, None], n_draws, axis=1), axis=0)
        t = _by_unit(sample.y, draws)
    else:
        t = _by_cluster(sample, n_draws, random)
    return int(np.sum(np.abs(t) > _Z))


def _by_unit(y: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Unequal-variance t statistics (HC2). y: (n,); draws: (n, R) of 0/1."""
    n, n_treated = len(y), draws.sum(axis=0)
    n_control = n - n_treated
    sums, squares = y @ draws, (y * y) @ draws
    means = sums / n_treated, (y.sum() - sums) / n_control
    variances = (
        (squares - n_treated * means[0] ** 2) / (n_treated - 1.0) / n_treated,
        ((y * y).sum() - squares - n_control * means[1] ** 2) / (n_control - 1.0) / n_control,
    )
    return _ratio(means[0] - means[1], variances[0] + variances[1])


def _by_cluster(sample: Sample, n_draws: int, random: np.random.Generator) -> np.ndarray:
    """t statistics clustered by CRV1. Whole clusters are drawn where whole clusters were treated, else units."""
    codes, y = sample.cluster, sample.y
    n_clusters = int(codes.max()) + 1
    totals = np.bincount(codes, sample.treated, n_clusters)
    sizes = np.bincount(codes, minlength=n_clusters)
    if np.all((totals == 0) | (totals == sizes)):
        arms = (totals > 0).astype(float)
        draws = random.permuted(np.repeat(arms[:, None], n_draws, axis=1), axis=0)[codes]
    else:
        draws = random.permuted(np.repeat(sample.treated[:, None], n_draws, axis=1), axis=0)
    n_treated = draws.sum(axis=0)
    n_control = len(y) - n_treated
    means = (y @ draws) / n_treated, (y @ (1.0 - draws)) / n_control
    scores = draws * (y[:, None] - means[0]) / n_treated - (1.0 - draws) * (y[:, None] - means[1]) / n_control
    order = np.argsort(codes, kind="stable")
    by_cluster = np.add.reduceat(scores[order], np.flatnonzero(np.diff(codes[order], prepend=-1)), axis=0)
    correction = n_clusters / (n_clusters - 1.0) * (len(y) - 1.0) / (len(y) - 2.0)
    return _ratio(means[0] - means[1], correction * (by_cluster**2).sum(axis=0))


def _ratio(difference: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return difference / np.sqrt(np.where(variance > 0.0, variance, np.inf))


def _sample(table: StudyTable, column: str, seed: str) -> Sample:
    """At most 20,000 units (or the units of whole clusters) by hash: the same ones whatever the order of the rows."""
    relation = table.relation
    of = table.cluster if table.study.cluster else "unit_id"
    key = f"cast({relation.name(of)} as string) || {relation.text('|' + seed + '|' + NAME)}"
    drawn = relation.with_columns({"causal_hash": relation.bucket(key)})
    n = relation.n_rows()
    where = f"causal_hash < {int(2**32 * _MOST_UNITS / n)}" if n > _MOST_UNITS else None
    columns = {"y": relation.double(relation.name(column)), "treated": relation.name(ARM)}
    if table.study.cluster:
        columns["cluster"] = relation.name(of)
    rows = drawn.rows(columns, where, order_by=f"causal_hash, {relation.name('unit_id')}")
    y = np.asarray(rows["y"], dtype=float)
    codes = np.unique(rows["cluster"], return_inverse=True)[1] if table.study.cluster else None
    return Sample(y - y.mean(), np.asarray(rows["treated"], dtype=float), codes)
