"""The passes as blocks of rows folded with BLAS.

A block is a few thousand rows as a design matrix, sorted by fold and arm, so that every sum is a product of contiguous
slices. Data below `CACHE_BYTES` stay in memory between passes; larger data stream from the warehouse again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from estimators.effects.folds import fold_numbers
from estimators.effects.passes import BinarySums, ConfoundingSums, LinearSums, Passes, ScoreSums, WeightSums
from estimators.effects.predictors import Nuisances, Predictor, binary_terms
from estimators.effects.weighting import confounding_parts, estimand_weights, influence_parts, preference_score

CACHE_BYTES = 256 * 2**20
BLOCK_VALUES = 1_000_000  # matrix entries per block: about 8 MB


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
        p = self.rows.terms.size
        hessian, gradient = np.zeros((self.n_folds, p, p)), np.zeros((self.n_folds, p))
        likelihood = np.zeros(self.n_folds)
        raw = () if target == self.rows.spec.treatment else (target,)
        for block in self.blocks(raw):
            values = block.raw[target] if raw else block.treatment
            w, r, ll = binary_terms(block.matrix @ coefficients, values, link)
            w, r, ll = w * block.weight, r * block.weight, ll * block.weight
            for fold, a, start, stop in block.slices:
                if arm is None or a == arm:
                    z = block.matrix[start:stop]
                    hessian[fold] += z.T @ (z * w[start:stop, None])
                    gradient[fold] += z.T @ r[start:stop]
                    likelihood[fold] += ll[start:stop].sum()
        return BinarySums(hessian, gradient, likelihood)

    def linear(self, outcomes: Sequence[str]) -> LinearSums:
        p, m = self.rows.terms.size, len(outcomes)
        gram = np.zeros((self.n_folds, 2, p, p))
        cross = np.zeros((m, self.n_folds, 2, p))
        is_binary = np.ones(m, dtype=bool)
        for block in self.blocks(tuple(outcomes)):
            y = np.column_stack([block.raw[c] for c in outcomes])
            is_binary &= np.all((y == 0) | (y == 1), axis=0)
            y = y - np.array([self.center.get(c, 0.0) for c in outcomes])
            for fold, arm, start, stop in block.slices:
                z = block.matrix[start:stop]
                weighted = z * block.weight[start:stop, None]
                gram[fold, arm] += z.T @ weighted
                cross[:, fold, arm] += (weighted.T @ y[start:stop]).T
        return LinearSums(gram, cross, is_binary)

    def weights(self, propensity: Predictor, bounds: tuple[float, float]) -> WeightSums:
        share = self.rows.n_treated / self.rows.n_rows
        parts = []
        for block in self.blocks(()):
            raw_e = self._predict(propensity, block)
            e = np.clip(raw_e, *bounds)
            w = estimand_weights(self.rows.spec.estimand, e, block.treatment) * block.weight
            x = block.matrix[:, 1:]
            equal = np.abs(preference_score(raw_e, share) - 0.5) <= 0.2
            clipped = (raw_e < bounds[0]) | (raw_e > bounds[1])
            for arm in (0, 1):
                in_arm = block.treatment == arm
                if in_arm.any():
                    parts.append(
                        (arm, _weight_part(x[in_arm], w[in_arm], clipped[in_arm], equal[in_arm], raw_e[in_arm]))
                    )
        return _add_up(parts, self.rows.terms.size - 1)

    def scores(self, nuisances: Nuisances, outcomes: Sequence[str], segment: str | None) -> ScoreSums:
        spec = self.rows.spec
        groups = tuple(c for c in (segment, spec.cluster) if c)
        rows = [self._score_block(nuisances, outcomes, block, groups) for block in self.blocks((*outcomes, *groups))]
        labels, clusters, treated, parts = (np.concatenate([r[i] for r in rows]) for i in range(4))
        levels = sorted({str(v) for v in labels}) if segment else [""]
        return _score_sums(
            levels, labels.astype(str), clusters if spec.cluster else None, treated, parts, len(outcomes)
        )

    def confounding(self, nuisances: Nuisances, outcomes: Sequence[str]) -> ConfoundingSums:
        m, cluster = len(outcomes), self.rows.spec.cluster
        totals, products, by_cluster = np.zeros((m, 5)), np.zeros((m, 5, 5)), {}
        for block in self.blocks((*outcomes, *((cluster,) if cluster else ()))):
            parts = self._confounding_block(nuisances, outcomes, block)
            totals += parts.sum(axis=0)
            if not cluster:
                products += np.einsum("njk,njl->jkl", parts, parts)
                continue
            codes, index = np.unique(block.raw[cluster], return_inverse=True)
            summed = np.zeros((len(codes), m, 5))
            np.add.at(summed, index, parts)
            for code, part in zip(codes.tolist(), summed, strict=True):
                by_cluster[code] = by_cluster.get(code, 0.0) + part
        if by_cluster:
            parts = np.array(list(by_cluster.values()))
            products = np.einsum("njk,njl->jkl", parts, parts)
        return ConfoundingSums(totals, products, len(by_cluster))

    def blocks(self, raw: tuple[str, ...]) -> Iterator[Block]:
        """The rows, `raw` columns beside the design matrix; from memory when they are small enough to stay there."""
        n_bytes = 8 * self.rows.n_rows * (self.rows.terms.size + len(raw) + 2)
        if n_bytes > CACHE_BYTES:
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

    def _read(self, raw: tuple[str, ...]) -> Iterator[dict[str, np.ndarray]]:
        relation, spec, terms = self.rows.relation, self.rows.spec, self.rows.terms
        wanted = {**terms.columns(relation), spec.treatment: relation.double(relation.name(spec.treatment))}
        sorted_by = [len(wanted), *range(len(wanted))]
        wanted["causal_bucket"] = self.rows.bucket
        if spec.weights:
            wanted["causal_weight"] = relation.double(relation.name(spec.weights))
        for i, column in enumerate(raw):
            kind = relation.columns[column]
            name = relation.name(column)
            wanted[f"causal_raw{i}"] = (
                relation.double(name) if kind in ("number", "boolean") else f"cast({name} as varchar)"
            )
        small = 8 * self.rows.n_rows * (terms.size + len(raw) + 2) <= CACHE_BYTES
        order = ", ".join(str(i + 1) for i in sorted_by) if small else None
        for columns in relation.batches(wanted, order_by=order, n_rows=max(2_000, BLOCK_VALUES // terms.size)):
            matrix = terms.matrix(columns)
            kept = [c for c in columns if c == spec.treatment or c.startswith("causal_")]
            yield {**{c: columns[c] for c in kept}, "causal_matrix": matrix}

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


def _weight_part(x, w, clipped, equal, e):
    first, second = x.sum(axis=0), (x**2).sum(axis=0)
    return (
        np.array([len(w), w.sum(), (w**2).sum(), clipped.sum(), equal.sum()], dtype=float),
        np.stack([first, second, x.T @ w, (x**2).T @ w]),
        float(e.min()),
        float(e.max()),
    )


def _add_up(parts: list, p: int) -> WeightSums:
    scalars, vectors = np.zeros((2, 5)), np.zeros((2, 4, p))
    lowest, highest = np.full(2, np.inf), np.full(2, -np.inf)
    for arm, (scalar, vector, low, high) in parts:
        scalars[arm] += scalar
        vectors[arm] += vector
        lowest[arm], highest[arm] = min(lowest[arm], low), max(highest[arm], high)
    n, weight, squared, clipped, equal = scalars.T
    first, second, weighted_first, weighted_second = vectors.transpose(1, 0, 2)
    return WeightSums(
        n, weight, squared, first, second, weighted_first, weighted_second, clipped, equal, lowest, highest
    )


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
