"""One Markov chain: variances and regression with the states integrated out, then the states.

Each iteration draws (1) log σ of all components given β, by Metropolis steps on the exact likelihood without the
states, (2) the inclusion of controls and β given σ, without the states, (3) the states given both. Integrating the
states out is what lets the level's variance mix; a Gibbs step on it given the path moves by inches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from estimators.effects.bsts_model import Covariance, Factor, Shocks, Structure, differenced
from estimators.effects.bsts_priors import Priors
from estimators.effects.bsts_regression import SpikeSlab

_TAIL_DF = 5.0  # of the Student proposal
_WIDENED = 1.3  # its scale over that of the draws it is fitted to
_REFIT = 10  # iterations of the burn-in between new widths of the slice sampler
_REFRESH = 100  # iterations between recomputations from scratch


@dataclass(frozen=True)
class Series:
    """A standardised pre-period. outcome: (n,), missing values filled with anything.  controls: (n, p)."""

    outcome: np.ndarray
    controls: np.ndarray
    structure: Structure


@dataclass(frozen=True)
class Draws:
    """Of one chain (m draws) or of all. sigma: (m, 2 or 3), sd of noise, level, season.  beta: (m, p).

    level: (m,) at the last period.  season: (m, S − 1) of the last blocks.
    path: (some of the m, n), level + season + regression.  path_noise: (as many, 1), the noise's sd in those draws.
    """

    sigma: np.ndarray
    beta: np.ndarray
    level: np.ndarray
    season: np.ndarray
    path: np.ndarray
    path_noise: np.ndarray


class Chain:
    """The state of one chain."""

    def __init__(self, series: Series, priors: Priors, generator: np.random.Generator) -> None:
        self.series, self.priors, self.generator = series, priors, generator
        self.shocks = Shocks(series.structure)
        self.covariance = Covariance(self.shocks)
        lag, is_missing = series.structure.lag, series.structure.is_missing
        first = series.outcome[0] if is_missing is None else series.outcome[~is_missing][0]
        self.origin = float(first)  # prior mean of the first level, as in bsts
        self.outcome = differenced(series.outcome - self.origin, lag)
        self.controls = differenced(series.controls, lag)
        self.right = np.asfortranarray(np.column_stack([self.outcome, self.controls]))
        self.regression = SpikeSlab(priors.slab, priors.inclusion)
        self.beta, self.beta_norm, self.n_included = np.zeros(series.controls.shape[1]), 0.0, 0
        self.residual = self.outcome
        self._start()

    def _start(self) -> None:
        """An overdispersed start: each σ within a factor e² of the prior's guess."""
        k = len(self.priors.guess)
        self.log_sigma = np.log(self.priors.guess) + self.generator.uniform(-1.0, 2.0, size=k)
        self.log_sigma = np.minimum(self.log_sigma, np.log(self.priors.limit) - 0.1)
        self.density, self.factor = self._evaluate(self.log_sigma)

    def _evaluate(self, log_sigma: np.ndarray) -> tuple[float, Factor | None]:
        """log p(log σ | y, β) up to a constant, with the factor of C."""
        prior = self.priors.log_density(log_sigma)
        factor = self.covariance.factor(np.exp(log_sigma)) if prior > -np.inf else None
        if factor is None:
            return -np.inf, None
        return prior + self._log_likelihood(log_sigma, factor), factor

    def _log_likelihood(self, log_sigma: np.ndarray, factor: Factor) -> float:
        """Of y and β, whose slab scales with the noise."""
        slab = -self.n_included * log_sigma[0] - 0.5 * self.beta_norm * math.exp(-2.0 * log_sigma[0])
        return slab - 0.5 * (factor.log_determinant + factor.squares(self.residual))

    def _accept(self, proposal: np.ndarray, log_ratio: float = 0.0) -> bool:
        """A Metropolis step. log_ratio: log q(now)/q(proposal)."""
        density, factor = self._evaluate(proposal)
        if math.log(self.generator.random()) >= density - self.density + log_ratio or factor is None:
            return False
        self.log_sigma, self.density, self.factor = proposal, density, factor
        return True

    def slice_step(self, k: int, width: float) -> None:
        """Neal's (2003) slice sampler on coordinate k, stepping out by `width`."""
        floor = self.density + math.log(self.generator.random())
        low = self.log_sigma[k] - width * self.generator.random()
        high = low + width
        while self._at(k, low)[0] > floor:
            low -= width
        while self._at(k, high)[0] > floor:
            high += width
        while True:
            value = low + (high - low) * self.generator.random()
            density, factor = self._at(k, value)
            if density > floor:
                self.log_sigma = self._moved(k, value)
                self.density, self.factor = density, factor
                return
            if value < self.log_sigma[k]:
                low = value
            else:
                high = value

    def _moved(self, k: int, value: float) -> np.ndarray:
        found = self.log_sigma.copy()
        found[k] = value
        return found

    def _at(self, k: int, value: float) -> tuple[float, Factor | None]:
        return self._evaluate(self._moved(k, value))

    def draw_regression(self) -> None:
        """β and its inclusion, given σ and without the states."""
        if not len(self.beta):
            return
        products = self.factor.products(self.right)
        noise = math.exp(2.0 * self.log_sigma[0])
        self.beta, self.beta_norm = self.regression.draw(products[1:, 1:], products[0, 1:], noise, self.generator)
        self.n_included = int(self.regression.included.sum())
        self.residual = self.outcome - self.controls @ self.beta
        prior = self.priors.log_density(self.log_sigma)
        self.density = prior + self._log_likelihood(self.log_sigma, self.factor)

    def draw_shocks(self) -> np.ndarray:
        """z given y, β and σ: a draw from the prior, moved by what it gets wrong (Durbin and Koopman 2002)."""
        variances = self.shocks.variances(np.exp(self.log_sigma))
        prior = self.generator.standard_normal(len(variances)) * np.sqrt(variances)
        gap = self.factor.solve(self.residual - self.shocks.matrix @ prior)
        return prior + variances * (self.shocks.transposed @ gap)

    def burn_in(self, n: int) -> Proposal:
        """A third by slice sampling, from which a first proposal is fitted; the rest by Metropolis steps refits it."""
        kept, widths = [], np.ones(len(self.log_sigma))
        for i in range(n // 3):
            for k, width in enumerate(widths):
                self.slice_step(k, width)
            self.draw_regression()
            kept.append(self.log_sigma)
            if i % _REFIT == _REFIT - 1:  # any width is valid; one near the law's own spread costs fewest evaluations
                widths = np.clip(3.0 * np.std(kept[-_REFIT:], axis=0), 0.05, 2.0)
        proposal, kept = Proposal(np.array(kept[n // 6 :])), kept[n // 6 :]
        for _ in range(n - n // 3):
            self.metropolis(proposal)
            self.draw_regression()
            kept.append(self.log_sigma)
        return Proposal(np.array(kept))

    def metropolis(self, proposal: Proposal) -> None:
        """Two steps on log σ: one anywhere, one nearby."""
        self._accept(*proposal.independent(self.log_sigma, self.generator))
        self._accept(proposal.nearby(self.log_sigma, self.generator))

    def run(self, n_burn: int, n_draws: int, n_paths: int) -> Draws:
        """n_paths: about how many of the draws keep their path; 20,000 periods would fill the memory otherwise."""
        proposal, n, s = self.burn_in(n_burn), self.series.structure.n_periods, self.series.structure
        sigma, beta = np.empty((n_draws, len(self.log_sigma))), np.empty((n_draws, len(self.beta)))
        level, season = np.empty(n_draws), np.empty((n_draws, s.season - 1 if s.has_season else 0))
        thin = max(1, n_draws // n_paths)
        path = np.empty((-(-n_draws // thin), n))
        for i in range(n_draws):
            self.metropolis(proposal)
            if i % _REFRESH == 0:
                self.regression.refresh()
            self.draw_regression()
            shocks = self.draw_shocks()
            sigma[i], beta[i] = np.exp(self.log_sigma), self.beta
            level[i] = self.origin + self.shocks.level_at_end(shocks)
            if s.has_season:
                season[i] = self.shocks.season_at_end(shocks)
            if i % thin == 0:
                path[i // thin] = self.series.outcome - shocks[self.shocks.noise]
        return Draws(sigma, beta, level, season, path, sigma[::thin, [0]])


class Proposal:
    """Two Metropolis proposals from draws of log σ (m, k): a wide Student law around them, and a near step."""

    def __init__(self, draws: np.ndarray) -> None:
        k = draws.shape[1]
        self.center = draws.mean(axis=0)
        spread = np.atleast_2d(np.cov(draws.T)) + 1e-4 * np.eye(k)
        self.root = _WIDENED * np.linalg.cholesky(spread)
        self.step = 2.38 / math.sqrt(k) / _WIDENED * self.root
        self.inverse = np.linalg.inv(self.root)

    def _log_density(self, log_sigma: np.ndarray) -> float:
        z = self.inverse @ (log_sigma - self.center)
        return -0.5 * (_TAIL_DF + len(z)) * math.log1p(float(z @ z) / _TAIL_DF)

    def independent(self, now: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, float]:
        """A proposal that does not depend on `now`, with log q(now)/q(proposal)."""
        scale = math.sqrt(_TAIL_DF / generator.chisquare(_TAIL_DF))
        proposal = self.center + scale * (self.root @ generator.standard_normal(len(now)))
        return proposal, self._log_density(now) - self._log_density(proposal)

    def nearby(self, now: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return now + self.step @ generator.standard_normal(len(now))
