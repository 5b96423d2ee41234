"""Which fold a unit falls into: a function of its bucket and a salt, the same in SQL and in memory.

The bucket is already the head of an md5, so a random line over a prime field is enough to make splits of different
purposes independent of one another (Carter and Wegman 1979), and costs one multiplication where another md5 would cost
a second a million rows. The product stays below 2**63.
"""

from __future__ import annotations

import hashlib

import numpy as np

PRIME = 2**31 - 1


def line(salt: str) -> tuple[int, int]:
    """Multiplier and offset of the salt's hash function."""
    digest = hashlib.md5(salt.encode(), usedforsecurity=False).digest()
    return 1 + int.from_bytes(digest[:8], "big") % (PRIME - 1), int.from_bytes(digest[8:], "big") % PRIME


def fold_sql(bucket: str, salt: str, n_folds: int) -> str:
    """SQL of the fold number, 0 to `n_folds` - 1. bucket: SQL of an integer in [0, 2**32)."""
    a, b = line(salt)
    return f"((({bucket}) % {PRIME}) * {a} + {b}) % {PRIME} % {n_folds}"


def fold_numbers(bucket: np.ndarray, salt: str, n_folds: int) -> np.ndarray:
    """The same numbers in memory; bucket: (n,) integers."""
    a, b = line(salt)
    return (bucket.astype(np.int64) % PRIME * a + b) % PRIME % n_folds
