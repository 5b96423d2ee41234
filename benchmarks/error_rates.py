"""How often planted faults of a study are caught: leaks across treatment, units lost from one arm, biased controls.

``python -m benchmarks.error_rates [--simulations 200]``; a small version is in tests/coverage/.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.claims import Claim, Result
from benchmarks.coverage import share
from benchmarks.report import save, show, write_page
from benchmarks.simulated import TREATED_AT, definition, study_table
from estimators import Study, analyse
from estimators.checks.empirical_calibration import empirical_null
from estimators.checks.negative_controls import LIMIT
from estimators.study_results import Results

CAUGHT_AT_LEAST = 0.95
LEAK_HOURS = 6  # by which the covariates' window runs into the treatment
LOST_SHARE = 0.08  # of the treated, on the way from assignment to the table
N_ASSIGNED = 20_000
N_CONTROLS = 30
CONTROLS_BIAS = 2 * LIMIT  # the sd of their systematic error: an EASE of .40


def leaky(seed: int) -> pd.DataFrame:
    """A study whose covariates count events until some hours after treatment; a unit's last one is days apart."""
    random = np.random.default_rng([seed, 1])
    frame = study_table(seed, n_units=400)
    days_before_the_end = random.exponential(3.0, len(frame))
    end = TREATED_AT + pd.Timedelta(hours=LEAK_HOURS)
    return frame.assign(latest_covariate_at=end - pd.to_timedelta(days_before_the_end, unit="D"))


def lossy(seed: int, lost: float = LOST_SHARE) -> pd.DataFrame:
    """An experiment with equal arms, of which a share of the treated was lost."""
    random = np.random.default_rng([seed, 2])
    frame = study_table(seed, n_units=N_ASSIGNED)
    treated = (random.random(N_ASSIGNED) < 0.5).astype(int)
    kept = (treated == 0) | (random.random(N_ASSIGNED) >= lost)
    return frame.assign(treatment=treated)[kept].reset_index(drop=True)


def randomised_definition() -> dict[str, Any]:
    found = definition("difference") | {"design": "randomised", "expected_share": 0.5}
    return found | {"checks": {"placebo_treatment": {"draws": 200}}}


def analysed(frame: pd.DataFrame, wanted: dict[str, Any]) -> Results:
    return analyse(frame, Study.model_validate(wanted), study_id="simulated")


def failed(results: Results, check_name: str) -> bool:
    """Whether the study is blocked, and by that check."""
    return results.status == "blocked" and any(c.blocks for c in results.checks if c.check_name == check_name)


def leak_is_caught(seed: int) -> bool:
    return failed(analysed(leaky(seed), definition("difference")), "time_order")


def loss_is_caught(seed: int) -> bool:
    return failed(analysed(lossy(seed), randomised_definition()), "sample_ratio")


def no_loss_is_blocked(seed: int) -> bool:
    return analysed(lossy(seed, lost=0.0), randomised_definition()).status == "blocked"


def controls_fail(seed: int, sd: float) -> bool:
    """Whether the expected absolute systematic error of controls with that planted systematic sd is above its limit."""
    random = np.random.default_rng([seed, 3])
    errors = random.choice([0.05, 0.1, 0.2], N_CONTROLS)
    estimates = random.normal(0.0, sd, N_CONTROLS) + errors * random.standard_normal(N_CONTROLS)
    return empirical_null(estimates, errors).expected_absolute_error > LIMIT


def biased_controls_fail(seed: int) -> bool:
    return controls_fail(seed, CONTROLS_BIAS)


def sound_controls_fail(seed: int) -> bool:
    return controls_fail(seed, 0.1)


PLANTED = (
    (f"a leak of {LEAK_HOURS} hours of covariates across treatment", leak_is_caught),
    (f"the loss of {LOST_SHARE:.0%} of the treated among {N_ASSIGNED:,}", loss_is_caught),
    (f"a systematic error of {CONTROLS_BIAS:g} (sd) in {N_CONTROLS} negative controls", biased_controls_fail),
)
SOUND = (
    (f"experiments of {N_ASSIGNED:,} that lost nobody", no_loss_is_blocked),
    (f"{N_CONTROLS} negative controls with a systematic error of 0.1 (sd)", sound_controls_fail),
)


def claims(n_simulations: int) -> list[Claim]:
    found = []
    for text, happens in PLANTED:
        rate = share(happens, n_simulations)
        found.append(Claim(f"{text} is caught in ≥ {CAUGHT_AT_LEAST:.0%}", f"{rate:.1%}", rate >= CAUGHT_AT_LEAST))
    for text, happens in SOUND:
        rate = share(happens, n_simulations)
        found.append(Claim(f"{text} are blocked in ≤ 7.7%", f"{rate:.1%}", rate <= 0.077))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.error_rates")
    parser.add_argument("--simulations", type=int, default=200)
    options = parser.parse_args()
    title = f"Planted faults over {options.simulations} simulations"
    result = Result("error_rates", title, [], claims(options.simulations))
    show(result)
    print(f"written: {save(result)}, {write_page()}")


if __name__ == "__main__":
    main()
