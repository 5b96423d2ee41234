"""The passes as blocks of rows folded with BLAS.

A block is a few thousand rows as a design matrix, sorted by fold and arm, so that every sum is a product of contiguous
slices. Data below `CACHE_BYTES` stay in memory between passes; larger data stream from the warehouse again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

import numpy as np

from estimators.effects.folds import fold_numbers
from estimators.effects.passes import BinarySums, ConfoundingSums, LinearSums, Passes, ScoreSums, WeightSums
from estimators.effects.predictors import Nuisances, Predictor, binary_terms
from estimators.effects.weighting import confounding_parts, estimand_weights, influence_parts, preference_score
from estimators.warehouse.relation import Combine, added

CACHE_BYTES = 256 * 2**20
BLOCK_VALUES = 1_000_000  # matrix entries per block: about 8 MB
Arrays = tuple[np.ndarray, ...]


@dataclass
class Block:
    """Rows sorted by fold and arm. raw: outcome and group columns by name; slices: ((fold, arm), start, stop)."""

    matrix: np.ndarray
    treatment: np.ndarray
    weight: np.ndarray
    raw: dict[str, np.ndarray]
    slices: list[tuple[int, int, int, int]]


@dataclass
class Cache:
    """Rows read once, by the raw columns that were asked for; sorted into the folds of one salt at a time."""

    read: dict[tuple[str, ...], list[dict[str, np.ndarray]]] = field(default_factory=dict)
    salt: str = ""
    blocks: dict[tuple[str, ...], list[Block]] = field(default_factory=dict)


@dataclass(frozen=True)
class BlockPasses(Passes):
    cache: Cache = field(default_factory=Cache)

    def binary(self, target: str, coefficients: np.ndarray, link: str, arm: int | None = None) -> BinarySums:
        raw = () if target == self.rows.spec.treatment else (target,)
        return BinarySums(*self._summed(raw, "_binary_block", target, coefficients, link, arm))

    def _binary_block(self, block: Block, target: str, coefficients: np.ndarray, link: str, arm: int | None) -> Arrays:
        p = self.rows.terms.size
        hessian, gradient = np.zeros((self.n_folds, p, p)), np.zeros((self.n_folds, p))
        likelihood = np.zeros(self.n_folds)
        values = block.raw.get(target, block.treatment)
        w, r, ll = binary_terms(block.matrix @ coefficients, values, link)
        w, r, ll = w * block.weight, r * block.weight, ll * block.weight
        for fold, a, start, stop in block.slices:
            if arm is None or a == arm:
                z = block.matrix[start:stop]
                hessian[fold] += z.T @ (z * w[start:stop, None])
                gradient[fold] += z.T @ r[start:stop]
                likelihood[fold] += ll[start:stop].sum()
        return hessian, gradient, likelihood

    def linear(self, outcomes: Sequence[str]) -> LinearSums:
        gram, cross, n_other = self._summed(tuple(outcomes), "_linear_block", tuple(outcomes))
        return LinearSums(gram, cross, n_other == 0)

    def _linear_block(self, block: Block, outcomes: tuple[str, ...]) -> Arrays:
        """Products of the terms, products with the outcomes, and how often an outcome is neither 0 nor 1."""
        p = self.rows.terms.size
        gram, cross = np.zeros((self.n_folds, 2, p, p)), np.zeros((len(outcomes), self.n_folds, 2, p))
        y = np.column_stack([block.raw[c] for c in outcomes])
        n_other = np.sum((y != 0) & (y != 1), axis=0)
        y = y - np.array([self.center.get(c, 0.0) for c in outcomes])
        for fold, arm, start, stop in block.slices:
            z = block.matrix[start:stop]
            weighted = z * block.weight[start:stop, None]
            gram[fold, arm] += z.T @ weighted
            cross[:, fold, arm] += (weighted.T @ y[start:stop]).T
        return gram, cross, n_other

    def weights(self, propensity: Predictor, bounds: tuple[float, float]) -> WeightSums:
        scalars, vectors, lowest, highest = self._summed((), "_weights_block", propensity, bounds, combine=_with_ends)
        n, weight, squared, clipped, equal = scalars.T
        first, second, weighted_first, weighted_second = vectors.transpose(1, 0, 2)
        return WeightSums(
            n, weight, squared, first, second, weighted_first, weighted_second, clipped, equal, lowest, highest
        )

    def _weights_block(self, block: Block, propensity: Predictor, bounds: tuple[float, float]) -> Arrays:
        """By arm: five sums (2, 5), four sums of the terms (2, 4, p - 1), lowest and highest propensity (2,)."""
        share = self.rows.n_treated / self.rows.n_rows
        raw_e = self._predict(propensity, block)
        w = estimand_weights(self.rows.spec.estimand, np.clip(raw_e, *bounds), block.treatment) * block.weight
        equal = np.abs(preference_score(raw_e, share) - 0.5) <= 0.2
        clipped = (raw_e < bounds[0]) | (raw_e > bounds[1])
        in_arms = [block.treatment == arm for arm in (0, 1)]
        x = block.matrix[:, 1:]
        parts = [_weight_part(x[a], w[a], clipped[a], equal[a], raw_e[a]) for a in in_arms]
        return tuple(np.stack(values) for values in zip(*parts, strict=True))

    def scores(self, nuisances: Nuisances, outcomes: Sequence[str], segment: str | None) -> ScoreSums:
        spec, outcomes = self.rows.spec, tuple(outcomes)
        groups = tuple(c for c in (segment, spec.cluster) if c)
        if not groups:
            sums = self._summed(outcomes, "_score_sums_block", nuisances, outcomes)
            n, treated, d, s, base, clusters, dd, sd, ss = (values[None] for values in sums)
            return ScoreSums(("",), n, treated, clusters, d, dd, s, sd, ss, base)
        rows = [self._score_block(nuisances, outcomes, block, groups) for block in self.blocks((*outcomes, *groups))]
        labels, clusters, treated, parts = (np.concatenate([r[i] for r in rows]) for i in range(4))
        levels = sorted({str(v) for v in labels}) if segment else [""]
        return _score_sums(
            levels, labels.astype(str), clusters if spec.cluster else None, treated, parts, len(outcomes)
        )

    def confounding(self, nuisances: Nuisances, outcomes: Sequence[str]) -> ConfoundingSums:
        m, cluster, outcomes = len(outcomes), self.rows.spec.cluster, tuple(outcomes)
        if not cluster:
            return ConfoundingSums(*self._summed(outcomes, "_confounding_sums_block", nuisances, outcomes), 0)
        totals, by_cluster = np.zeros((m, 5)), {}
        for block in self.blocks((*outcomes, cluster)):
            parts = self._confounding_block(nuisances, outcomes, block)
            totals += parts.sum(axis=0)
            codes, index = np.unique(block.raw[cluster], return_inverse=True)
            summed = np.zeros((len(codes), m, 5))
            np.add.at(summed, index, parts)
            for code, part in zip(codes.tolist(), summed, strict=True):
                by_cluster[code] = by_cluster.get(code, 0.0) + part
        parts = np.array(list(by_cluster.values()))
        return ConfoundingSums(totals, np.einsum("njk,njl->jkl", parts, parts), len(by_cluster))

    def _summed(self, raw: tuple[str, ...], part: str, *arguments: Any, combine: Combine = added) -> Arrays:
        """What the method `part` makes of each block, added up: where the rows are, if they are many."""
        if self._is_small(raw):
            return reduce(combine, (getattr(self, part)(block, *arguments) for block in self.blocks(raw)), None)
        travelling = replace(self, rows=replace(self.rows, relation=None), cache=Cache())
        kernel = partial(_of_columns, travelling, raw, part, arguments)
        return self.rows.relation.summed(self._wanted(raw), kernel, combine, self._block_rows)

    def blocks(self, raw: tuple[str, ...]) -> Iterator[Block]:
        """The rows, `raw` columns beside the design matrix; from memory when they are small enough to stay there."""
        if not self._is_small(raw):
            yield from (self._block(columns, raw) for columns in self._read(raw))
            return
        cache = self.cache
        if cache.salt != self.salt:
            cache.salt, cache.blocks = self.salt, {}
        if raw not in cache.blocks:
            if self.n_folds > 1 and raw not in cache.read:  # kept for the next split
                cache.read[raw] = list(self._read(raw))
            read = cache.read[raw] if self.n_folds > 1 else self._read(raw)
            cache.blocks[raw] = [self._block(columns, raw) for columns in read]
        yield from cache.blocks[raw]

    def _is_small(self, raw: tuple[str, ...]) -> bool:
        return 8 * self.rows.n_rows * (self.rows.terms.size + len(raw) + 2) <= CACHE_BYTES

    @property
    def _block_rows(self) -> int:
        return max(2_000, BLOCK_VALUES // self.rows.terms.size)

    def _read(self, raw: tuple[str, ...]) -> Iterator[dict[str, np.ndarray]]:
        wanted = self._wanted(raw)
        sorted_by = [list(wanted).index("causal_bucket"), *range(len(self.rows.terms.columns(self.rows.relation)) + 1)]
        order = ", ".join(str(i + 1) for i in sorted_by) if self._is_small(raw) else None
        for columns in self.rows.relation.batches(wanted, order_by=order, n_rows=self._block_rows):
            yield self._with_matrix(columns)

    def _wanted(self, raw: tuple[str, ...]) -> dict[str, str]:
        """SQL of the columns that `_with_matrix` takes."""
        relation, spec, terms = self.rows.relation, self.rows.spec, self.rows.terms
        wanted = {**terms.columns(relation), spec.treatment: relation.double(relation.name(spec.treatment))}
        wanted["causal_bucket"] = self.rows.bucket
        if spec.weights:
            wanted["causal_weight"] = relation.double(relation.name(spec.weights))
        for i, column in enumerate(raw):
            kind = relation.columns[column]
            name = relation.name(column)
            wanted[f"causal_raw{i}"] = (
                relation.double(name) if kind in ("number", "boolean") else f"cast({name} as string)"
            )
        return wanted

    def _with_matrix(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        kept = [c for c in columns if c == self.rows.spec.treatment or c.startswith("causal_")]
        return {**{c: columns[c] for c in kept}, "causal_matrix": self.rows.terms.matrix(columns)}

    def _block(self, columns: dict[str, np.ndarray], raw: tuple[str, ...]) -> Block:
        treatment = columns[self.rows.spec.treatment]
        folds = fold_numbers(columns["causal_bucket"], self.salt, self.n_folds)
        code = 2 * folds + treatment.astype(np.int64)
        order = np.argsort(code, kind="stable")
        edges = np.searchsorted(code[order], np.arange(2 * self.n_folds + 1))
        slices = [(c // 2, c % 2, edges[c], edges[c + 1]) for c in range(2 * self.n_folds) if edges[c] < edges[c + 1]]
        weight = columns.get("causal_weight", np.ones(len(treatment)))
        picked = {name: columns[f"causal_raw{i}"][order] for i, name in enumerate(raw)}
        return Block(columns["causal_matrix"][order], treatment[order], weight[order], picked, slices)

    def _predict(self, model: Predictor, block: Block) -> np.ndarray:
        out = np.empty(len(block.treatment))
        for fold, _, start, stop in block.slices:
            out[start:stop] = model.predict(fold, block.matrix[start:stop])
        return out

    def _score_block(self, nuisances: Nuisances, outcomes: Sequence[str], block: Block, groups: tuple[str, ...]):
        e = np.clip(self._predict(nuisances.propensity, block), *nuisances.bounds)
        columns = []
        for column, (control, treated), center in zip(outcomes, nuisances.outcomes, nuisances.centers, strict=True):
            m0 = self._predict(control, block)
            m1 = self._predict(treated, block) if treated is not None else m0
            y = block.raw[column] - center
            n, d, base = influence_parts(self.rows.spec.estimand, y, block.treatment, e, m0, m1)
            columns += [n * block.weight, base * block.weight]
        parts = np.column_stack([d * block.weight, *columns[0::2], *columns[1::2]])
        n_rows = len(block.treatment)
        labels = block.raw[groups[0]] if groups and groups[0] != self.rows.spec.cluster else np.full(n_rows, "")
        clusters = block.raw[self.rows.spec.cluster] if self.rows.spec.cluster else np.zeros(n_rows)
        return labels, clusters, block.treatment, parts

    def _score_sums_block(self, block: Block, nuisances: Nuisances, outcomes: tuple[str, ...]) -> Arrays:
        _, _, treated, parts = self._score_block(nuisances, outcomes, block, ())
        m = len(outcomes)
        d, n, base = parts[:, 0], parts[:, 1 : 1 + m], parts[:, 1 + m :]
        none = np.array(0)
        sums = (
            np.array(len(d)),
            treated.sum(),
            d.sum(),
            n.sum(axis=0),
            base.sum(axis=0),
            none,
            d @ d,
            n.T @ d,
            n.T @ n,
        )
        return tuple(np.asarray(value) for value in sums)

    def _confounding_sums_block(self, block: Block, nuisances: Nuisances, outcomes: tuple[str, ...]) -> Arrays:
        parts = self._confounding_block(nuisances, outcomes, block)
        return parts.sum(axis=0), np.einsum("njk,njl->jkl", parts, parts)

    def _confounding_block(self, nuisances: Nuisances, outcomes: Sequence[str], block: Block) -> np.ndarray:
        """(1, D, N, R, A) of each row and outcome, weighted: (n, m, 5)."""
        estimand, t = self.rows.spec.estimand, block.treatment
        e = np.clip(self._predict(nuisances.propensity, block), *nuisances.bounds)
        out = np.empty((len(t), len(outcomes), 5))
        for j, (column, pair, center) in enumerate(zip(outcomes, nuisances.outcomes, nuisances.centers, strict=True)):
            y = block.raw[column] - center
            m0, m1 = (self._predict(model, block) for model in pair)
            n, d, _ = influence_parts(estimand, y, t, e, m0, m1)
            out[:, j] = np.column_stack([np.ones(len(t)), d, n, *confounding_parts(estimand, y, t, e, m0, m1)])
        return out * block.weight[:, None, None]


def _of_columns(
    passes: BlockPasses, raw: tuple[str, ...], part: str, arguments: tuple[Any, ...], columns: dict[str, np.ndarray]
) -> Arrays:
    """A method of `passes` for a block that is still columns. passes: without its relation, so that it can travel."""
    return getattr(passes, part)(passes._block(passes._with_matrix(columns), raw), *arguments)


def _weight_part(x, w, clipped, equal, e) -> Arrays:
    first, second = x.sum(axis=0), (x**2).sum(axis=0)
    return (
        np.array([len(w), w.sum(), (w**2).sum(), clipped.sum(), equal.sum()], dtype=float),
        np.stack([first, second, x.T @ w, (x**2).T @ w]),
        e.min(initial=np.inf),
        e.max(initial=-np.inf),
    )


def _with_ends(total: Arrays | None, part: Arrays) -> Arrays:
    """The last two arrays are lowest and highest values, the others sums."""
    if total is None:
        return part
    *sums, low, high = (a for a in zip(total, part, strict=True))
    return (*(a + b for a, b in sums), np.minimum(*low), np.maximum(*high))


def _score_sums(levels, labels, clusters, treated, parts, m) -> ScoreSums:
    per_level = []
    for level in levels:
        rows = labels == level if levels != [""] else np.ones(len(labels), dtype=bool)
        d, n, base = parts[rows, 0], parts[rows, 1 : 1 + m], parts[rows, 1 + m :]
        totals = (rows.sum(), treated[rows].sum(), d.sum(), n.sum(axis=0), base.sum(axis=0))
        n_clusters = 0
        if clusters is not None:
            codes, index = np.unique(clusters[rows], return_inverse=True)
            n_clusters = len(codes)
            d = np.bincount(index, d, n_clusters)
            n = np.column_stack([np.bincount(index, n[:, j], n_clusters) for j in range(m)])
        per_level.append((*totals, n_clusters, d @ d, n.T @ d, n.T @ n))
    n_rows, n_treated, d, s, base, n_clusters, dd, sd, ss = (np.array(v) for v in zip(*per_level, strict=True))
    return ScoreSums(tuple(levels), n_rows, n_treated, n_clusters, d, dd, s, sd, ss, base)
