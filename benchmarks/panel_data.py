"""Panels of any number of rows, made by DuckDB itself, one row per unit and period, in the order of units.

The columns of `panel`: unit_id, period (1 to 20), treatment (0/1: half of the units, from period 11 on), outcome, x.
Outcome and x depend on unit and period effects, and the effect is 1. An unbalanced panel lacks three tenths of the
cells, drawn at random.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.data import _bell, _made, _uniform

N_PERIODS = 20
MISSING = 0.3


def panel(n_rows: int, is_balanced: bool) -> Path:
    """A database with the table `panel`; of an unbalanced one, `n_rows` is what is left on average."""
    n_cells = n_rows if is_balanced else round(n_rows / (1 - MISSING))
    name = "panel" if is_balanced else "unbalanced_panel"
    keep = "true" if is_balanced else f"{_uniform('i', 1)} >= {MISSING}"
    return _made(
        f"{name}_{n_rows}.duckdb",
        f"""create table panel as
            with cells as (
                select i, i // {N_PERIODS} as unit_id, (i % {N_PERIODS} + 1)::integer as period
                from range({n_cells}) as rows (i)
                where {keep}
            ),
            treated as (
                select *, ({_uniform("unit_id", 2)} < 0.5 and period > 10)::integer as treatment,
                    {_bell("unit_id", 3)} as level
                from cells
            )
            select unit_id, period, treatment, {_bell("i", 4)} + level as x,
                treatment + 0.5 * ({_bell("i", 4)} + level) + 2 * level + sin(period) + {_bell("i", 5)} as outcome
            from treated
            order by unit_id, period""",
    )


def panel_parquet(database: Path) -> Path:
    """The table for libraries that read it into memory: a Parquet file beside the database."""
    path = database.with_suffix(".parquet")
    if not path.exists():
        print(f"  writing {path.name}", flush=True)
        with duckdb.connect(str(database), read_only=True) as connection:
            partial = path.with_suffix(".partial")
            connection.execute(f"copy panel to '{partial}' (format parquet, row_group_size 100000)")
            partial.rename(path)
    return path
