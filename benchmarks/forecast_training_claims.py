"""What is claimed of training: effects in spite of confounding (B5), speed and repeatability (B9)."""

from __future__ import annotations

from benchmarks.claims import Claim, Result, within
from benchmarks.measure import measure


def confounded_regions(n_worlds: int = 10) -> Result:
    """Eight experiments against a history whose budgets answered to shortages."""
    run = measure("held to experiments", n_worlds, "forecast_confounded", "--worlds", n_worlds)
    found = run.answer
    share = found["effect_rmse"] / found["effect_rmse_without"]
    claims = [
        Claim(
            "error of held-out effects ≤ half of the fit without experiments, on average and in every world",
            f"{share:.2f}, at worst {found['worst_ratio']:.2f}",
            share <= 0.5 and found["worst_ratio"] <= 0.5,
        ),
        Claim(
            "MASE no worse than AutoETS, bonuses of the horizon set from outside",
            f"{found['mase']:.2f} against {found['mase_auto_ets']:.2f}",
            found["mase"] <= found["mase_auto_ets"],
        ),
        Claim(
            "the gate lets at least 9 of 10 pass, and fails all that believed their history",
            f"{found['passed']} passed, {found['caught']} caught of {found['worlds']}",
            found["passed"] >= 0.9 * n_worlds and found["caught"] == n_worlds,
        ),
    ]
    note = (
        f"mean slope: true {found['slope_true']:.1f}, with experiments {found['slope']:.1f}, "
        f"without {found['slope_without']:.1f}"
    )
    return Result("forecast_confounded", "B5: confounded regions and eight experiments", [run], claims, note)


def joint_training(n_nodes: int = 20, n_regions: int = 200, n_weeks: int = 104) -> Result:
    """A graph of twenty nodes with levels, seasons, carry-over, pooled slopes and forty experiments."""
    cells = n_nodes * n_regions * n_weeks
    size = ("--nodes", n_nodes, "--regions", n_regions, "--weeks", n_weeks)
    runs = [measure(f"joint training{again}", cells, "forecast_joint_training", *size) for again in ("", ", again")]
    is_same = runs[0].answer["bits"] == runs[1].answer["bits"]
    claims = [
        *within(min(runs, key=lambda run: run.fit_seconds), seconds=60),
        Claim("repeats to the bit", "the same bits" if is_same else "other bits", is_same),
    ]
    title = f"B9: joint training, {n_nodes} nodes × {n_regions} regions × {n_weeks} weeks"
    return Result("forecast_joint_training", title, runs, claims)


USUAL = (confounded_regions, joint_training)
