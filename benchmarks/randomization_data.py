"""A randomised experiment of any size: 30 % treated by lot, ten covariates that predict the outcome, an effect of 0.

Rows are made by hashes, as those of `benchmarks.data`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import _bell, _made, _uniform

COVARIATES = [f"x{i}" for i in range(10)]
SHARE = 0.3


def experiment(n_rows: int) -> Path:
    """A database with the table `units`: unit_id, treatment (0/1), outcome and x0..x9."""
    covariates = ", ".join(f"{_bell('i', 300 + k)} as {name}" for k, name in enumerate(COVARIATES))
    index = " + ".join(f"{1.0 / (k + 1)} * {name}" for k, name in enumerate(COVARIATES))
    return _made(
        f"experiment_{n_rows}.duckdb",
        f"""
        create table units as
        with covariates as (select i, {covariates} from range({n_rows}) as rows (i))
        select i as unit_id, ({_uniform("i", 301 + len(COVARIATES))} < {SHARE})::integer as treatment,
            {index} + {_bell("i", 400)} as outcome, * exclude (i)
        from covariates""",
    )
