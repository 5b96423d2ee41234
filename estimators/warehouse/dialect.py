"""Where the engines' SQL differs: one small table each. Everything else that is composed is the same text for both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """Templates of SQL with ``{}`` for an expression.

    quote: around names, doubled inside them.  escapes: pairs (character, replacement) inside a string literal.
    total: a repeatable sum of doubles.  bucket: the first 8 hex digits of an md5 as an integer.
    array, table: of numbers, and from text to numbers; `pair` is one entry of a table and `separator` stands between.
    element: of an array, counted from 0.
    """

    quote: str
    escapes: tuple[tuple[str, str], ...]
    total: str
    bucket: str
    array: str
    table: str
    pair: str
    element: str


DUCKDB = Dialect(
    quote='"',
    escapes=(("'", "''"),),
    total="fsum({})",  # Kahan's: repeatable whatever the number of threads
    bucket="cast('0x' || substr(md5(cast({} as string)), 1, 8) as bigint)",
    array="[{}]",
    table="map {{{}}}",  # a lookup is evaluated once per dictionary entry of a text column, a `case` once per row
    pair="{}: {}",
    element="{}[{} + 1]",
)

SPARK = Dialect(
    quote="`",
    escapes=(("\\", "\\\\"), ("'", "\\'")),
    total="sum({})",  # Spark has no compensated sum: the order of partial sums shows in the last digits
    bucket="cast(conv(substr(md5(cast({} as string)), 1, 8), 16, 10) as bigint)",
    array="array({})",
    table="map({})",
    pair="{}, {}",
    element="{}[{}]",
)
