"""What is claimed of randomization inference, beside pyfixest's `ritest` in both of its algorithms."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from benchmarks.claims import MILLION, Claim, Result, agreement, ratio, within
from benchmarks.data import parquet
from benchmarks.measure import Measurement, measure
from benchmarks.randomization_data import experiment

DRAWS = 1000
SLOW_DRAWS = 20  # of the algorithm that refits the model for every draw: its time is proportional to them
_COVARIATES = 5


def ritest_at_a_million(n_rows: int = MILLION) -> Result:
    """1,000 draws of the studentised, Lin-adjusted statistic with five and with ten covariates."""
    database = experiment(n_rows)
    five, ten = (
        measure(f"randomization_test, {p} covariates", n_rows, "ritest_in_warehouse", database, "--covariates", p)
        for p in (_COVARIATES, 2 * _COVARIATES)
    )
    return Result("ritest", f"{DRAWS:,} draws", [five, ten], list(within(five, seconds=6)))


def ritest_beside_pyfixest(n_rows: int = MILLION // 10) -> Result:
    """The same beside pyfixest: t statistics (its slow algorithm), and coefficients only (its fast one, with numba)."""
    database = experiment(n_rows)
    ours = measure("randomization_test", n_rows, "ritest_in_warehouse", database)
    table = parquet(database)
    slow = _all_draws(measure("ritest, t", n_rows, "ritest_pyfixest", table, "--statistic", "t", "--draws", SLOW_DRAWS))
    claims = [ratio(ours, slow, at_least=100), agreement(ours, slow)]
    note = (
        f"pyfixest studentises only by its slow algorithm, measured over {SLOW_DRAWS} draws and multiplied up to "
        f"{DRAWS:,}. It draws every unit's treatment with probability 1/2, whatever share was treated."
    )
    title = f"{DRAWS:,} draws beside pyfixest's ritest"
    if find_spec("numba") is None:
        note += " Its fast algorithm, for coefficients only, was not measured: there is no numba on this machine."
        return Result("ritest_pyfixest", title, [ours, slow], claims, note)
    fast = measure("ritest, coefficients only, numba", n_rows, "ritest_pyfixest", table, "--draws", DRAWS)
    apart = abs(ours.answer["p_value"] - fast.answer["p_value"])
    claims.append(Claim("the same p-value as its fast algorithm, to 0.07", f"{apart:.3f} apart", apart <= 0.07))
    times = fast.fit_seconds / ours.fit_seconds
    note += f" Its fast algorithm, for coefficients only and with numba, takes {times:.0f} times as long as ours."
    return Result("ritest_pyfixest", title, [ours, slow, fast], claims, note)


def _all_draws(measured: Measurement) -> Measurement:
    return replace(measured, fit_seconds=measured.fit_seconds * DRAWS / SLOW_DRAWS)


USUAL = (ritest_at_a_million, ritest_beside_pyfixest)
