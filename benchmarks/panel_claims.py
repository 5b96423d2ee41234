"""What is claimed of fixed-effects regressions: speed and memory beside pyfixest."""

from __future__ import annotations

from benchmarks import panel_data
from benchmarks.claims import MILLION, Claim, Result, memory, ratio
from benchmarks.measure import Measurement, measure


def same(ours: Measurement, theirs: Measurement, tolerance: float) -> Claim:
    """Both computed the same regression: estimates apart by a share of the standard error."""
    apart = abs(ours.answer["estimate"] - theirs.answer["estimate"]) / ours.answer["std_error"]
    text = f"same estimate as {theirs.what}, to {tolerance:g} standard errors"
    return Claim(text, f"{apart:.1e} standard errors", apart <= tolerance)


def panel_beside_pyfixest(n_rows: int = 20 * MILLION) -> Result:
    """Unit and period effects on a balanced panel of 20 periods, clustered by unit, beside pyfixest."""
    database = panel_data.panel(n_rows, is_balanced=True)
    ours = measure("panel, balanced", n_rows, "panel_in_warehouse", database)
    peer = measure("pyfixest", n_rows, "panel_pyfixest", panel_data.panel_parquet(database))
    claims = [ratio(ours, peer, at_least=8), memory(ours, peer, at_most=1 / 8), same(ours, peer, 1e-6)]
    return Result("panel_balanced", "Two-way fixed effects, balanced, beside pyfixest", [ours, peer], claims)


def unbalanced_panel_beside_pyfixest(n_rows: int = 10 * MILLION) -> Result:
    """The same where three tenths of the cells are missing, solved exactly; pyfixest iterates to its tolerance."""
    database = panel_data.panel(n_rows, is_balanced=False)
    ours = measure("panel, unbalanced", n_rows, "panel_in_warehouse", database)
    peer = measure("pyfixest", n_rows, "panel_pyfixest", panel_data.panel_parquet(database))
    claims = [ratio(ours, peer, at_least=1), memory(ours, peer, at_most=1 / 4), same(ours, peer, 1e-3)]
    return Result("panel_unbalanced", "Two-way fixed effects, unbalanced, beside pyfixest", [ours, peer], claims)


USUAL = (panel_beside_pyfixest, unbalanced_panel_beside_pyfixest)
