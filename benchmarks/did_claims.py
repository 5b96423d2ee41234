"""What is claimed of difference-in-differences with staggered adoption, beside csdid in its faster mode."""

from __future__ import annotations

from benchmarks import data, did_data
from benchmarks.claims import MILLION, Claim, Result, agreement, memory, ratio
from benchmarks.measure import measure


def did_beside_csdid(n_rows: int = MILLION // 2) -> Result:
    """Ten periods, four cohorts and the never treated, without covariates and with two, analytic errors.

    The second fit of each process counts: both take less than a second, and the first one loads libraries.
    """
    database = did_data.panel(n_rows)
    table = data.parquet(database)
    runs, claims = [], []
    for label, arguments in (("", ()), (", two covariates", ("--adjusted",))):
        ours = measure(f"did{label}", n_rows, "did_in_warehouse", database, *arguments)
        theirs = measure(f"csdid{label}", n_rows, "did_csdid", table, *arguments)
        runs += [ours, theirs]
        claims.append(ratio(ours, theirs, at_least=2 if arguments else 5))
        claims += [memory(ours, theirs, at_most=1), agreement(ours, theirs)]
    return Result("did", "Staggered adoption beside csdid", runs, claims)


def did_by_size(sizes: tuple[int, ...] = (MILLION // 2, 5 * MILLION)) -> Result:
    """Time and memory of did as the panel grows tenfold."""
    runs = [measure("did", n, "did_in_warehouse", did_data.panel(n)) for n in sizes]
    growth = runs[-1].fit_seconds / runs[0].fit_seconds
    claims = [Claim("ten times the rows take ≤ 15 times as long", f"{growth:.1f} times", growth <= 15)]
    return Result("did_by_size", "Staggered adoption by number of rows", runs, claims)


USUAL = (did_beside_csdid,)
