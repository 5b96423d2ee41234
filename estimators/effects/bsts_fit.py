"""From a pre-period to posterior draws: standardisation, priors, seeded chains, and the forecast of each draw."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from estimators import draws
from estimators.effects.bsts_model import Structure
from estimators.effects.bsts_priors import Priors, causal_impact_priors
from estimators.effects.bsts_sampler import Chain, Draws, Series

_PATHS = 1000  # draws of the pre-period's path that its band is made from


@dataclass(frozen=True)
class Settings:
    """Of the model and its sampler. season: periods per cycle in units of `season_duration`, None without one."""

    season: int | None = None
    season_duration: int = 1
    seed: int | str = 0
    n_chains: int = 4
    n_draws: int = 1000
    n_burn: int = 150
    expected_model_size: float = 3.0
    expected_r2: float = 0.8
    prior_df: float = 50.0
    level_sd: float = 0.01


@dataclass(frozen=True)
class Scale:
    """Means and standard deviations over the pre-period, by which everything is standardised."""

    outcome_mean: float
    outcome_sd: float
    control_means: np.ndarray
    control_sds: np.ndarray


@dataclass(frozen=True)
class Fit:
    """Draws of every chain (n_chains · n_draws rows, chain after chain), in standardised units."""

    series: Series
    scale: Scale
    settings: Settings
    draws: Draws

    def by_chain(self, values: np.ndarray) -> np.ndarray:
        """(n_chains, n_draws, ...)."""
        return values.reshape(self.settings.n_chains, -1, *values.shape[1:])

    def in_units(self, values: np.ndarray) -> np.ndarray:
        return self.scale.outcome_mean + self.scale.outcome_sd * values

    def coefficients(self) -> np.ndarray:
        """(m, p), in units of the outcome per unit of the control."""
        return self.draws.beta * self.scale.outcome_sd / self.scale.control_sds


def generator(settings: Settings, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose, which follow from the seed alone."""
    return draws.generator(f"bsts|{settings.seed}", purpose)


def standardised(outcome: np.ndarray, controls: np.ndarray, settings: Settings) -> tuple[Series, Scale]:
    """outcome: (n,), NaN where missing.  controls: (n, p), complete. As R's CausalImpact does, with sd over n − 1."""
    is_missing = np.isnan(outcome)
    mean, sd = float(np.nanmean(outcome)), float(np.nanstd(outcome, ddof=1))
    means, sds = controls.mean(axis=0), controls.std(axis=0, ddof=1)
    sds = np.where(sds > 0.0, sds, 1.0)
    filled = np.where(is_missing, 0.0, (outcome - mean) / sd)
    structure = Structure(len(outcome), settings.season or 1, settings.season_duration, is_missing)
    return Series(filled, (controls - means) / sds, structure), Scale(mean, sd, means, sds)


def fit(outcome: np.ndarray, controls: np.ndarray, settings: Settings) -> Fit:
    """Posterior of the pre-period."""
    series, scale = standardised(outcome, controls, settings)
    priors = causal_impact_priors(
        series.controls,
        series.structure.has_season,
        settings.expected_model_size,
        settings.expected_r2,
        settings.prior_df,
        settings.level_sd,
    )
    chains = [_chain(series, priors, settings, i) for i in range(settings.n_chains)]
    joined = {f.name: np.concatenate([getattr(c, f.name) for c in chains]) for f in fields(Draws)}
    return Fit(series, scale, settings, Draws(**joined))


def _chain(series: Series, priors: Priors, settings: Settings, number: int) -> Draws:
    chain = Chain(series, priors, generator(settings, f"chain {number}"))
    return chain.run(settings.n_burn, settings.n_draws, -(-_PATHS // settings.n_chains))


@dataclass(frozen=True)
class Forecast:
    """In units of the outcome. expected: (m, h), without noise.  simulated: (m, h), with that of an observation."""

    expected: np.ndarray
    simulated: np.ndarray


def forecast(fitted: Fit, controls: np.ndarray, steps: np.ndarray) -> Forecast:
    """The outcome had the series gone on as before, `steps` (h,) periods after the last one (1, 2, ..., gaps allowed).

    controls: (h, p) at those periods.
    """
    draws, rng = fitted.draws, generator(fitted.settings, "forecast")
    n, horizon = len(draws.level), int(steps[-1])
    walk = draws.sigma[:, [1]] * rng.standard_normal((n, horizon)).cumsum(axis=1)
    states = draws.level[:, None] + walk + _season(fitted, horizon, rng)
    inputs = (controls - fitted.scale.control_means) / fitted.scale.control_sds
    expected = states[:, steps - 1] + draws.beta @ inputs.T
    noise = draws.sigma[:, [0]] * rng.standard_normal(expected.shape)
    return Forecast(fitted.in_units(expected), fitted.in_units(expected + noise))


def _season(fitted: Fit, horizon: int, rng: np.random.Generator) -> np.ndarray:
    structure, draws = fitted.series.structure, fitted.draws
    n = len(draws.level)
    if not structure.has_season:
        return np.zeros((n, 1))
    periods = structure.n_periods + np.arange(horizon)
    blocks = periods // structure.duration - (structure.n_blocks - 1)  # 0: the block of the last known period
    states = [draws.season[:, i] for i in range(draws.season.shape[1])]
    for _ in range(int(blocks[-1])):
        last = states[-(structure.season - 1) :]
        states.append(-np.sum(last, axis=0) + draws.sigma[:, 2] * rng.standard_normal(n))
    first = draws.season.shape[1] - 1
    return np.array([states[first + b] for b in blocks]).T
