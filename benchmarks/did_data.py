"""Panels of any number of units with staggered adoption, made by DuckDB itself.

The table `units` has a row per unit and period: unit, time (1..10), cohort (0 = never treated, else 3, 5, 7 or 9), x0,
x1 (constant within a unit; they move cohort and trend), state (50 units each), outcome. The effect is 1.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import _bell, _made, _uniform

COHORTS = (0, 3, 5, 7, 9)
N_PERIODS = 10
COVARIATES = ["x0", "x1"]


def panel(n_rows: int) -> Path:
    """A database with `n_rows` unit-periods of ten periods each. Made once per size."""
    n_units = n_rows // N_PERIODS
    levels = f"least(4, greatest(0, cast(floor(5 * {_uniform('i', 1)} + 0.4 * x0) as integer)))"
    return _made(
        f"panel_{n_rows}.duckdb",
        f"""create table units as
        with people as (
            select i, {_bell("i", 2)} as x0, {_bell("i", 3)} as x1, {_bell("i", 4)} as level
            from range({n_units}) as u (i)
        ),
        begun as (select *, [{", ".join(map(str, COHORTS))}][{levels} + 1] as cohort from people)
        select i as unit, t::integer as time, cohort, x0, x1, (i // 50)::integer as state,
            3 * level + 0.1 * t * (1 + x0) + (cohort > 0 and t >= cohort)::integer
                + {_bell(f"(i * {N_PERIODS} + t)", 5)} as outcome
        from begun, range(1, {N_PERIODS + 1}) as p (t)""",
    )
