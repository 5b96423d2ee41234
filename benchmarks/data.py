"""Units and events of any number, made by DuckDB itself: each value is a hash of its row, so nothing depends on order.

The columns of `units`: unit_id, unit_bucket, treatment (0/1), outcome_a, outcome_b, x0..x9 (mean 0, sd 1), and the
categories region (3 levels), plan (5) and channel (10). Treatment depends on the covariates, and the effect is 1.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "build" / "benchmarks"
NUMERIC = [f"x{i}" for i in range(10)]
CATEGORIES = {"region": 3, "plan": 5, "channel": 10}
WIDE = [f"x{i}" for i in range(200)]
CEM_CUTPOINTS = {name: [-1.5, -0.5, 0.5, 1.5] for name in ("x0", "x1")}
CEM_EXACT = ["region", "plan"]
N_DAYS = 120


def units(n_rows: int) -> Path:
    """A database with the table `units`: 10 numeric covariates and three categories. Made once per size."""
    return _made(f"units_{n_rows}.duckdb", _units_sql(n_rows, NUMERIC, CATEGORIES))


def wide_units(n_rows: int) -> Path:
    """The same with 200 numeric covariates and no categories."""
    return _made(f"wide_units_{n_rows}.duckdb", _units_sql(n_rows, WIDE, {}))


def parquet(database: Path) -> Path:
    """The table of a database for libraries that cannot read it there: a Parquet file beside it."""
    path = database.with_suffix(".parquet")
    if not path.exists():
        print(f"  writing {path.name}", flush=True)
        with duckdb.connect(str(database), read_only=True) as connection:
            partial = path.with_suffix(".partial")
            connection.execute(f"copy units to '{partial}' (format parquet, row_group_size 100000)")
            partial.rename(path)
    return path


def columns_for_r(database: Path) -> Path:
    """The columns that CEM reads as a folder of raw binary columns, which R loads without further packages."""
    folder = database.with_suffix(".columns")
    if not folder.exists():
        print(f"  writing {folder.name}", flush=True)
        partial = database.with_suffix(".columns_partial")
        partial.mkdir(exist_ok=True)
        columns = {name: f"{name}::double" for name in ("outcome_a", *CEM_CUTPOINTS)}
        columns |= {name: f"replace({name}, '{name}_', '')::integer" for name in CEM_EXACT}
        columns["treatment"] = "treatment::integer"
        with duckdb.connect(str(database), read_only=True) as connection:
            for name, expression in columns.items():
                values = connection.execute(f"select {expression} as v from units").fetchnumpy()["v"]
                np.asarray(values).tofile(partial / name)
        partial.rename(folder)
    return folder


def events(n_events: int, n_units: int) -> Path:
    """A database with the tables `raw.events` (user_id, event_at, amount, kind) and `raw.users` (one row per unit)."""
    day = f"timestamp '2026-01-01' + to_seconds(floor({_uniform('i', 2)} * {N_DAYS * 86400})::bigint)"
    return _made(
        f"events_{n_events}.duckdb",
        "create schema raw",
        f"""create table raw.events as
            select ({_hash("i", 1)} % {n_units})::bigint as user_id, {day} as event_at,
                round({_uniform("i", 3)} * 100, 2) as amount, ({_hash("i", 4)} % 20)::integer as kind
            from range({n_events}) as rows (i)""",
        f"""create table raw.users as
            select i as user_id, ({_hash("i", 5)} % 2)::integer as treatment,
                timestamp '2026-03-15' + to_days(({_hash("i", 6)} % 30)::integer) as treated_at
            from range({n_units}) as rows (i)""",
    )


def _made(name: str, *statements: str) -> Path:
    path = FOLDER / name
    if path.exists():
        return _in_cache(path)
    print(f"  making {name}", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with duckdb.connect(str(partial), config={"memory_limit": "4GB"}) as connection:
        connection.execute("set preserve_insertion_order = false")
        for statement in statements:
            connection.execute(statement)
    return _in_cache(partial.rename(path))


def _in_cache(path: Path) -> Path:
    """Read once, so that whoever is measured first does not pay for the disk: the peers' data are in memory too."""
    with path.open("rb") as file:
        while file.read(2**24):
            pass
    return path


def _units_sql(n_rows: int, numeric: list[str], categories: dict[str, int]) -> str:
    covariates = [f"{_bell('i', 100 + k)} as {name}" for k, name in enumerate(numeric)]
    covariates += [
        f"'{name}_' || ({_hash('i', 200 + k)} % {n}) as {name}" for k, (name, n) in enumerate(categories.items())
    ]
    index = "0.3 * x0 - 0.2 * x1 + 0.1 * x2"
    shift = " + ".join(f"0.1 * (right({name}, 1) = '0')::integer" for name in categories) or "0.0"
    return f"""
        create table units as
        with covariates as (select i, {", ".join(covariates)} from range({n_rows}) as rows (i)),
        assigned as (
            select *, (({_uniform("i", 1)}) < 1 / (1 + exp(0.5 - {index} - ({shift}))))::integer as treatment
            from covariates
        )
        select i as unit_id, ('0x' || substr(md5(i::varchar), 1, 8))::bigint as unit_bucket, treatment,
            treatment + {index} + 0.2 * x3 + {shift} + {_bell("i", 2)} as outcome_a,
            0.5 * treatment - {index} + {_bell("i", 3)} as outcome_b,
            * exclude (i, treatment)
        from assigned"""


def _hash(row: str, stream: int) -> str:
    """64 random bits for a row. One integer is hashed: of several, DuckDB only xors the later ones in."""
    return f"hash({row} * 1000 + {stream})"


def _uniform(row: str, stream: int) -> str:
    """A number in [0, 1) from 53 bits of the hash of the row and the stream."""
    return f"(({_hash(row, stream)} >> 11) / 9007199254740992.0)"


def _bell(row: str, stream: int) -> str:
    """Mean 0 and sd 1, close to normal: the sum of the four 16-bit parts of one hash."""
    parts = " + ".join(f"(({_hash(row, stream)} >> {shift}) & 65535)" for shift in (0, 16, 32, 48))
    return f"((({parts}) / 65535.0 - 2) * 1.7320508075688772)"
