"""Balance in a randomised design: one omnibus test, since some covariate always differs by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from estimators.checks.balance import NAME
from estimators.checks.moments import Moments, design_blocks
from estimators.checks.verdict import passed
from estimators.draws import generator
from estimators.results import Check
from estimators.study_table import ARM, StudyTable, shown, treats_whole_clusters

_LEVEL = 0.001
_MONTE_CARLO_BELOW = 20_000
_DRAWS = 2_000  # so that p < .001 can be reached
_BLOCK = 4_000_000  # numbers drawn at a time


@dataclass(frozen=True)
class _Assigned:
    """What was randomised: units, or clusters. treated: (G,) 0/1.  sizes: (G,).  sums: (G, p) of the terms."""

    treated: np.ndarray
    sizes: np.ndarray
    sums: np.ndarray


def check(table: StudyTable, moments: Moments | None, seed: str) -> list[Check]:
    """Fails at p < .001 of the Mahalanobis distance between the arms' covariate means (Morgan and Rubin 2012).

    Against chi-square; below 20,000 units, and where whole clusters were assigned, against re-randomised treatment.
    """
    if moments is None:
        return [Check(NAME, "not_evaluated", "no covariates to balance", is_gate=False)]
    is_clustered = table.study.cluster is not None and treats_whole_clusters(table)
    if is_clustered:
        p, source = _re_randomised(_clusters(table, moments), generator(seed, "balance"))
    elif moments.n.sum() < _MONTE_CARLO_BELOW:
        p, source = _re_randomised(_units(table, moments), generator(seed, "balance"))
    else:
        p, source = _chi_square(moments)
    return [_judged(moments, p, source)]


def _judged(moments: Moments, p: float, source: str) -> Check:
    gaps = np.abs(moments.means[1] - moments.means[0])[1:]
    worst = shown(moments.terms.names[1 + int(np.argmax(gaps))])
    text = f"one test of all covariates: p = {p:.2g} ({source}); largest difference {worst} {gaps.max():.2f} SD"
    if p < _LEVEL:
        reason = f"the arms differ more than randomisation allows, so assignment or logging is not as declared; {text}"
        return Check(NAME, "fail", reason, statistic=p, threshold=_LEVEL)
    return passed(NAME, text, statistic=p, threshold=_LEVEL)


def _chi_square(moments: Moments) -> tuple[float, str]:
    """D² = n_T n_C / n · d' S⁻¹ d with d the difference in means: chi-square with rank(S) degrees of freedom."""
    d = (moments.means[1] - moments.means[0])[1:]
    n_control, n_treated = moments.n
    n = n_control + n_treated
    inverse, rank = _pseudo_inverse(moments.covariance()[1:, 1:] * n / (n - 1.0))
    distance = n_treated * n_control / n * float(d @ inverse @ d)
    return float(stats.chi2.sf(distance, rank)), f"chi-square, {rank} degrees of freedom"


def _pseudo_inverse(covariance: np.ndarray) -> tuple[np.ndarray, int]:
    values, vectors = np.linalg.eigh(covariance)
    keep = values > 1e-10 * values.max()
    return (vectors[:, keep] / values[keep]) @ vectors[:, keep].T, int(keep.sum())


def _re_randomised(assigned: _Assigned, random: np.random.Generator) -> tuple[float, str]:
    """p = (1 + draws at least as extreme) / (1 + draws); as many units or clusters are treated in every draw."""
    sums = assigned.sums - assigned.sizes[:, None] * (assigned.sums.sum(axis=0) / assigned.sizes.sum())
    inverse, _ = _pseudo_inverse(sums.T @ sums)
    observed = _distance(assigned.treated[:, None], assigned.sizes, sums, inverse)[0]
    per_block = max(1, _BLOCK // len(sums))
    n_extreme = 0
    for start in range(0, _DRAWS, per_block):
        draws = np.repeat(assigned.treated[:, None], min(per_block, _DRAWS - start), axis=1)
        distances = _distance(random.permuted(draws, axis=0), assigned.sizes, sums, inverse)
        n_extreme += int(np.sum(distances >= observed * (1.0 - 1e-12)))
    return (1 + n_extreme) / (1 + _DRAWS), f"{_DRAWS:,} re-randomisations"


def _distance(treated: np.ndarray, sizes: np.ndarray, sums: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """d' S⁻¹ d for each column of treated (G × draws), d the difference in means of centred sums."""
    n_treated = sizes @ treated
    d = (treated.T @ sums) * (1.0 / n_treated + 1.0 / (sizes.sum() - n_treated))[:, None]
    return np.einsum("ij,jk,ik->i", d, inverse, d)


def _units(table: StudyTable, moments: Moments) -> _Assigned:
    order = f"{table.relation.name('unit_bucket')}, {table.relation.name('unit_id')}"
    blocks = list(design_blocks(table, moments.terms, order_by=order))
    treated = np.concatenate([b[0] for b in blocks]).astype(float)
    return _Assigned(treated, np.ones(len(treated)), np.vstack([b[1][:, 1:] for b in blocks]))


def _clusters(table: StudyTable, moments: Moments) -> _Assigned:
    """Sums by cluster: as many rows as there are clusters, never as there are units."""
    relation, terms = table.relation, moments.terms
    standardised = relation.with_columns(terms.standardised(relation))
    sums = {"size": "count(*)", "treated": f"max({relation.name(ARM)})"}
    sums |= {f"sum{i}": f"sum(causal_z{i})" for i in range(len(terms.numbers))}
    at = len(terms.numbers)
    for column, levels in terms.categories:
        for level in levels[1:]:
            test = f"{relation.name(column)} = {relation.text(level)}"
            sums[f"sum{at}"] = f"sum(case when {test} then 1.0 else 0.0 end)"
            at += 1
    found = standardised.aggregate(sums, by={"cluster": relation.name(table.cluster)})
    matrix = np.column_stack([np.asarray(found[f"sum{i}"], dtype=float) for i in range(at)])
    return _Assigned(found["treated"].astype(float), found["size"].astype(float), matrix)
