"""Coverage of 95 % intervals, and how often the checks block a study that they should or should not block.

``python -m benchmarks.coverage [--simulations 500]``; a small version is in tests/coverage/.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.claims import Claim, Result
from benchmarks.report import RESULTS, save, show, write_page
from benchmarks.simulated import COMMON, RARE, Population, definition, discrete, randomised, study_table
from estimators import Study, aipw, analyse, cem, difference
from estimators.results import Effect

MARGIN = 0.1  # of the A/A checks, in SDs of the placebo outcome: the library's default
COVERAGE = (0.91, 0.98)
NULLS_BLOCKED_AT_MOST = 0.077
BIAS_CAUGHT_AT_LEAST = 0.95


@dataclass(frozen=True)
class Simulation:
    """estimate: an effect from a seed.  truth: what it should cover."""

    name: str
    estimate: Callable[[int], Effect]
    truth: float


def estimate_difference(seed: int) -> Effect:
    return difference(randomised(seed), treatment="treatment", outcome="outcome")


def estimate_cem(seed: int) -> Effect:
    return cem(discrete(seed), treatment="treatment", outcome="outcome", covariates=["a", "b"], exact=["a", "b"])


def estimate_aipw(seed: int, population: Population, estimand: str) -> Effect:
    frame, columns = population.draw(seed), ["x", "group"]
    return aipw(frame, "treatment", "outcome", covariates=columns, estimand=estimand, unit="unit_id", seed=str(seed))


SIMULATIONS = [
    Simulation("difference", estimate_difference, 1.0),
    Simulation("cem, ATT", estimate_cem, 1.0),
    *(
        Simulation(
            f"aipw, {estimand}{label}", partial(estimate_aipw, population=p, estimand=estimand), p.truth(estimand)
        )
        for p, label in ((COMMON, ""), (RARE, ", 0.3 % treated"))
        for estimand in ("ATE", "ATT", "ATO")
    ),
]


SLOW = ("bsts",)  # simulated 200 times at most


def every_simulation() -> list[Simulation]:
    """Those of all methods. The other modules import this one, so they are loaded when it has been."""
    from benchmarks import did_coverage, iv_coverage, panel_coverage, randomization_coverage, series_coverage

    topics = (iv_coverage, panel_coverage, did_coverage, series_coverage, randomization_coverage)
    return [*SIMULATIONS, *(simulation for topic in topics for simulation in topic.SIMULATIONS)]


def covers(seed: int, simulation: Simulation) -> bool:
    """Whether the 95 % interval of one simulated data set holds the truth."""
    effect = simulation.estimate(seed)
    return effect.ci_lower <= simulation.truth <= effect.ci_upper


def is_blocked(seed: int, bias: float, method: str = "aipw") -> bool:
    """Whether a study of no effect, with a planted bias in SDs, is blocked by its checks."""
    study = Study.model_validate(definition(method))
    return analyse(study_table(seed, bias), study, study_id=f"simulated_{seed}").status == "blocked"


def share(happens: Callable[[int], bool], n_simulations: int) -> float:
    """The share of seeds 0, 1, ... for which something happens; one process per core."""
    with ProcessPoolExecutor() as pool:
        return sum(pool.map(happens, range(n_simulations), chunksize=5)) / n_simulations


@dataclass(frozen=True)
class Question:
    """A claim to be measured: the share of seeds for which something happens, and when the claim holds."""

    text: str
    happens: Callable[[int], bool]
    n_simulations: int
    holds: Callable[[float], bool]
    form: str = ".3f"

    def answered(self) -> Claim:
        rate = share(self.happens, self.n_simulations)
        return Claim(self.text, format(rate, self.form), self.holds(rate))


def questions(n_simulations: int) -> Iterator[Question]:
    """Error rates of the checks first, then the coverage of each method."""
    n, most, least = 2 * n_simulations, NULLS_BLOCKED_AT_MOST, BIAS_CAUGHT_AT_LEAST
    text = f"studies of no effect and no bias are blocked in ≤ {most:.1%} of {n:,}"
    yield Question(text, partial(is_blocked, bias=0.0), n, lambda rate: rate <= most, ".1%")
    text = f"a bias of twice the margin is caught in ≥ {least:.0%} of {n_simulations:,}"
    yield Question(text, partial(is_blocked, bias=2 * MARGIN), n_simulations, lambda rate: rate >= least, ".1%")
    low, high = COVERAGE
    for simulation in every_simulation():
        n = min(n_simulations, 200) if simulation.name.startswith(SLOW) else n_simulations
        text = f"95 % intervals of {simulation.name} cover in [{low}, {high}], {n} simulations"
        yield Question(text, partial(covers, simulation=simulation), n, lambda rate: low <= rate <= high)


def saved_claims() -> dict[str, Claim]:
    """What an earlier run measured, by its text."""
    path = RESULTS / "coverage.json"
    found = json.loads(path.read_text())["claims"] if path.exists() else []
    return {claim["text"]: Claim(**claim) for claim in found}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.coverage")
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--resume", action="store_true", help="measure only what the saved result does not have yet")
    options = parser.parse_args()
    known = saved_claims() if options.resume else {}
    result = Result("coverage", "Coverage of the intervals and error rates of the checks")
    for question in questions(options.simulations):
        claim = known.get(question.text) or question.answered()
        print(f"  {claim.text}: {claim.figure}", flush=True)
        result = replace(result, claims=[*result.claims, claim])
        save(result)  # each as it comes: all of them take an hour
    show(result)
    print(f"written: {write_page()}")


if __name__ == "__main__":
    main()
