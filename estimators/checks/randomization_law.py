"""Assignments drawn from a declared law: which of n elements (units or clusters) are treated.

Complete and stratified randomisation treat a fixed number. A block of random bytes compared with a threshold gives
independent indicators; conditional on their count these are uniform over all subsets of that size, and stay so when as
many members, drawn uniformly, are added or removed as the declared count asks for. Strata too small for that are ranked
by random keys. A stratum that lies in several blocks is shared out by the hypergeometric law, so that elements may be
streamed in any number and nothing has to be held but one block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations

import numpy as np

MOST_ENUMERATED = 20_000  # assignments; up to this many all are gone through
_MOST_CELLS = 50_000_000  # of an enumerated matrix: assignments × elements
_SMALL = 512  # elements in a stratum, below which keys are ranked
_KEYS = 4_000_000  # drawn at a time
_TRIES = 4  # elements drawn for each one that has to change arms: most of an arm's candidates lie in the other
_DRAWS = 64  # at a time: with a block of 65,536 elements they stay in cache

# By block, as tasks that may run side by side: the first draw, and what makes truth values (draws × block).
Drawn = Iterator[list[tuple[int, Callable[[], np.ndarray]]]]


@dataclass(frozen=True)
class Law:
    """Elements stand in the order of their strata.

    sizes, treated: elements and treated elements per stratum (S,); one stratum if there are none.
    share: probability of treatment, each element by itself (then the counts are not fixed), else None.
    """

    sizes: np.ndarray
    treated: np.ndarray
    share: float | None = None

    @property
    def n(self) -> int:
        return int(self.sizes.sum())

    @property
    def n_assignments(self) -> float:
        """How many different assignments there are; infinite above 1e300."""
        if self.share is not None:
            return 2.0**self.n if self.n < 1000 else math.inf
        logs = (_log_choose(int(n), int(k)) for n, k in zip(self.sizes, self.treated, strict=True))
        total = math.fsum(logs)
        return round(math.exp(total)) if total < 690.0 else math.inf

    @property
    def is_small(self) -> bool:
        count = self.n_assignments
        return count <= MOST_ENUMERATED and count * self.n <= _MOST_CELLS


def enumerated(law: Law) -> tuple[np.ndarray, np.ndarray]:
    """All assignments (A × n, of truth values) and their probabilities (A,)."""
    if law.share is not None:
        numbers = np.arange(2**law.n)
        found = (numbers[:, None] >> np.arange(law.n)) & 1 == 1
        k = found.sum(axis=1)
        return found, law.share**k * (1.0 - law.share) ** (law.n - k)
    found = np.zeros((1, 0), dtype=bool)
    for size, k in zip(law.sizes, law.treated, strict=True):
        part = _subsets(int(size), int(k))
        found = np.hstack([np.repeat(found, len(part), axis=0), np.tile(part, (len(found), 1))])
    return found, np.full(len(found), 1.0 / len(found))


def drawn(law: Law, n_draws: int, block: int, generator: Callable[[int, int], np.random.Generator]) -> Drawn:
    """Assignments for one block of elements after the other, each as some draws at a time.

    generator: the random numbers of a block and of its draws from the given one on.
    """
    rows = range(0, n_draws, _DRAWS)
    if law.share is not None:
        for i, start in enumerate(range(0, law.n, block)):
            size = min(block, law.n - start)
            yield [(r, partial(_independent, law.share, min(_DRAWS, n_draws - r), size, generator(i, r))) for r in rows]
        return
    left = np.zeros(n_draws, dtype=np.int64)  # still to be treated in the stratum that the last block cut
    ends = np.cumsum(law.sizes)
    for i, start in enumerate(range(0, law.n, block)):
        stop = min(start + block, law.n)
        first, last = (int(np.searchsorted(ends, at, side="right")) for at in (start, stop - 1))
        sizes = law.sizes[first : last + 1].copy()
        sizes[0] = min(sizes[0], ends[first] - start)
        is_begun = start > ends[first] - law.sizes[first]
        piece = _Piece(sizes, law.treated[first : last + 1], is_begun, int(ends[last]) - stop)
        yield [(r, partial(piece.drawn, left[r : r + _DRAWS], generator(i, r))) for r in rows]


@dataclass(frozen=True)
class _Piece:
    """The strata of one block. sizes: of the first from where the block begins.  n_beyond: of the last, after it."""

    sizes: np.ndarray
    treated: np.ndarray
    is_begun: bool
    n_beyond: int

    def drawn(self, left: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """left: of the first stratum if it began earlier, still to be treated (R,); updated for the last one."""
        sizes = self.sizes.copy()
        counts = np.repeat(self.treated[:, None], len(left), axis=1)
        if self.is_begun:
            counts[0] = left
        if self.n_beyond:
            inside = int(sizes[-1]) - self.n_beyond
            here = random.hypergeometric(counts[-1], sizes[-1] - counts[-1], inside)
            left[:] = counts[-1] - here
            counts[-1], sizes[-1] = here, inside
        return _fixed(sizes, counts, random)


def _fixed(sizes: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """counts: treated per stratum and draw (S × R). Returns (R × Σ sizes)."""
    n_draws, starts = counts.shape[1], np.cumsum(sizes) - sizes
    if len(sizes) == 1 and sizes[0] >= _SMALL:
        return _many(int(sizes[0]), counts[0], random)
    out = np.empty((n_draws, int(sizes.sum())), dtype=bool)
    for s in np.flatnonzero(sizes >= _SMALL):
        out[:, starts[s] : starts[s] + sizes[s]] = _many(int(sizes[s]), counts[s], random)
    for size in np.unique(sizes[sizes < _SMALL]):
        alike = np.flatnonzero(sizes == size)
        at_once = max(1, _KEYS // int(size * n_draws))
        for chosen in np.split(alike, range(at_once, len(alike), at_once)):
            places = (starts[chosen, None] + np.arange(size)).ravel()
            ranked = _few(int(size), counts[chosen], random)
            out[:, places] = ranked.transpose(1, 0, 2).reshape(n_draws, -1)
    return out


def _few(size: int, counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The elements with the smallest keys. counts: (S × R). Returns (S × R × size)."""
    keys = random.random((*counts.shape, size))
    ordered = np.sort(keys, axis=-1)
    limit = np.take_along_axis(ordered, np.maximum(counts - 1, 0)[..., None], axis=-1)
    return (keys <= limit) & (counts > 0)[..., None]


def _many(size: int, counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """counts: treated per draw (R,). Returns (R × size)."""
    share = float(counts.mean()) / size
    if share > 0.5:
        return ~_many(size, size - counts, random)
    # Of a rare arm hardly any element is hit when one has to be removed, so start with too few.
    slack = 3.0 * math.sqrt(share * (1.0 - share) / size) if share < 0.125 else 0.0
    members = _bytes(len(counts), size, random) < max(0, math.floor(256.0 * (share - slack)))
    _corrected(members, counts, random)
    return members


def _corrected(members: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> None:
    """Adds or removes members, uniformly, until every draw has its count. Changes `members` (R × size) in place."""
    n_draws, size = members.shape
    flat = members.reshape(-1)
    lacking = counts - np.array([np.count_nonzero(row) for row in members])  # by row: counted at the speed of memory
    latest = np.empty(members.size, dtype=np.int32)
    while lacking.any():
        wanted = np.abs(lacking)
        rows = np.repeat(np.arange(n_draws), np.where(wanted, _TRIES * wanted + 8, 0))
        places = rows * size + random.integers(0, size, len(rows))
        eligible = flat[places] != (lacking > 0)[rows]
        places, rows = places[eligible], rows[eligible]
        numbers = np.arange(len(places))
        latest[places[::-1]] = numbers[::-1]  # of an element drawn twice, the first time
        is_first = latest[places] == numbers
        places, rows = places[is_first], rows[is_first]
        offsets = np.cumsum(np.bincount(rows, minlength=n_draws))
        nth = np.arange(len(rows)) - np.concatenate([[0], offsets[:-1]])[rows]
        places, rows = places[kept := nth < wanted[rows]], rows[kept]
        flat[places] = (lacking > 0)[rows]
        lacking -= np.sign(lacking) * np.bincount(rows, minlength=n_draws)


def _independent(share: float, n_draws: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Each with probability `share`: a byte below its first 8 bits, and where equal, a number below the rest."""
    steps = share * 256.0
    whole = math.floor(steps)
    found = _bytes(n_draws, size, random)
    members = found < whole
    undecided = np.flatnonzero(found == whole)
    members.reshape(-1)[undecided] = random.random(len(undecided)) < steps - whole
    return members


def _bytes(n_draws: int, size: int, random: np.random.Generator) -> np.ndarray:
    words = random.integers(0, 2**64 - 1, -(-n_draws * size // 8), dtype=np.uint64, endpoint=True)
    return words.view(np.uint8)[: n_draws * size].reshape(n_draws, size)


def _subsets(size: int, k: int) -> np.ndarray:
    chosen = np.fromiter(chain.from_iterable(combinations(range(size), k)), dtype=np.int64)
    out = np.zeros((math.comb(size, k), size), dtype=bool)
    np.put_along_axis(out, chosen.reshape(len(out), k), True, axis=1)
    return out


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
