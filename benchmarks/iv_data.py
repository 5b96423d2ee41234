"""Units with an instrument, made by DuckDB itself, as in `data`: every value is a hash of its row.

The columns: instrument (0/1), treatment (a number, confounded by a variable that is not there), outcome (the effect is
1), and covariates x0..x9 (mean 0, sd 1), all as doubles.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import _bell, _made, _uniform

COVARIATES = [f"x{i}" for i in range(10)]


def instrumented(n_rows: int) -> Path:
    """A database with the table `units`. Made once per size."""
    covariates = ", ".join(f"{_bell('i', 100 + k)} as {name}" for k, name in enumerate(COVARIATES))
    return _made(
        f"instrumented_{n_rows}.duckdb",
        f"""
        create table units as
        with drawn as (
            select i, {covariates}, {_bell("i", 1)} as hidden, ({_uniform("i", 2)} < 0.5)::integer::double as instrument
            from range({n_rows}) as rows (i)
        ),
        assigned as (
            select *, 0.5 * instrument + 0.7 * hidden + 0.3 * x0 - 0.2 * x1 + {_bell("i", 3)} as treatment from drawn
        )
        select i as unit_id, instrument, treatment,
            treatment + hidden + 0.4 * x0 + 0.2 * x2 + {_bell("i", 4)} as outcome, {", ".join(COVARIATES)}
        from assigned""",
    )
