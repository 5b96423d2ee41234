"""The likelihood of residuals that hold a local level, with the level integrated out; and the level itself.

A node's residual in one series is r_t = μ_t + g_t'γ + ε_t with ε ~ N(0, σ²) and, if the node has a local level, a
random walk μ_t = μ_{t−1} + η_t, η ~ N(0, qσ²), whose start is diffuse. Then r ~ N(Gβ, σ²V) with V = I + qL,
L_ts = min(t, s), G the constant and g, and the likelihood with β integrated out is the one that a Kalman filter gives
(Durbin and Koopman 2012, ch. 2.9 and 5; Harville 1974 for β):

    −2 log l = (n − p) log σ² + log|V| + log|M| + r'Ar/σ²,   A = V⁻¹ − V⁻¹GM⁻¹G'V⁻¹,   M = G'V⁻¹G + Λ.

Λ is zero for the constant and ALLOWANCE⁻² for g. The g are levers that experiments measured, as history has them: γ
stands for what history confounds with the lever (budgets follow shortages). With γ next to free, history informs
levels, seasons and noise, and experiments inform the effect of the lever; where there is no experiment history still
decides.

With L = UΛU' all of it is diagonal in U for every q, and U is the same for all series with the same gaps: a step of the
training costs one multiplication by U in place of a loop over the weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

ALLOWANCE = 100.0  # standard deviation of γ: noise standard deviations per standard deviation of the lever
RATIOS = (1e-5, 1e3)  # of the level's variance over the noise's
EMPTY = 1e-10  # keeps a series without any observation solvable


@dataclass(frozen=True)
class Pattern:
    """Series with the same gaps. rows: their positions, None for all.  vectors (time, time), values (time,): of L on
    the observed cells.  design: G rotated by the vectors (series or 1, time, p).  penalty: the diagonal of Λ (p,).
    back: U'L, from rotated and weighed residuals to the walk.
    """

    rows: torch.Tensor | None
    vectors: torch.Tensor
    values: torch.Tensor
    design: torch.Tensor
    penalty: torch.Tensor
    n_series: int
    back: torch.Tensor

    def of(self, table: torch.Tensor) -> torch.Tensor:
        """The rows of these series."""
        return table if self.rows is None else table[self.rows]


@dataclass(frozen=True)
class Spectrum:
    """What does not depend on q. degrees: n − p over all series."""

    patterns: tuple[Pattern, ...]
    degrees: int
    has_level: bool


@dataclass(frozen=True)
class LevelNoise:
    """How the residuals (series, time) of one node are weighed at a ratio q (0 without a level).

    shares: 1/(1 + qλ) by pattern.  means: the matrix (series or 1, p, time) that makes β of rotated residuals, by
    pattern.  log_determinant: log|V| + log|M|, summed over series.
    """

    spectrum: Spectrum
    ratio: float
    shares: tuple[torch.Tensor, ...]
    means: tuple[torch.Tensor, ...]
    log_determinant: float

    @property
    def degrees(self) -> int:
        return self.spectrum.degrees

    def weigh(self, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """r'Ar summed over series, and the expected level (series, time), the Kalman smoother's: 1β₀ + qLAr.

        residual: (series, time), zero where nothing was observed. The level is None for a node without one.
        """
        total = torch.zeros((), dtype=residual.dtype)
        levels = []
        for pattern, share, means in zip(self.spectrum.patterns, self.shares, self.means, strict=True):
            rotated = pattern.of(residual)
            rotated = rotated @ pattern.vectors if self.spectrum.has_level else rotated
            explained, coefficients = _explained(pattern, means, rotated)
            weighed = (rotated - explained) * share
            total = total + (rotated * weighed).sum()
            if self.spectrum.has_level:
                levels.append(coefficients[:, :1] + self.ratio * (weighed @ pattern.back))
        return total, self._in_order(levels)

    def confounded(self, residual: torch.Tensor) -> torch.Tensor:
        """g'γ (series, time) as the residuals show it."""
        parts = []
        for pattern, means in zip(self.spectrum.patterns, self.means, strict=True):
            rotated = pattern.of(residual) @ pattern.vectors
            coefficients = _explained(pattern, means, rotated)[1]
            first = int(self.spectrum.has_level)
            design = pattern.vectors @ pattern.design
            parts.append((design[..., first:] @ coefficients[:, first:, None])[..., 0])
        return self._in_order(parts)

    def _in_order(self, parts: list[torch.Tensor]) -> torch.Tensor | None:
        if not parts or self.spectrum.patterns[0].rows is None:
            return parts[0] if parts else None
        order = torch.cat([pattern.rows for pattern in self.spectrum.patterns])
        return torch.cat(parts)[torch.argsort(order)]


def _explained(pattern: Pattern, means: torch.Tensor, rotated: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gβ rotated (series, time), and β (series, p)."""
    if means.shape[0] == 1:
        coefficients = rotated @ means[0].T
        return coefficients @ pattern.design[0].T, coefficients
    coefficients = torch.einsum("spt,st->sp", means, rotated)
    return torch.einsum("stp,sp->st", pattern.design, coefficients), coefficients


def spectrum(observed: torch.Tensor, has_level: bool, regressors: torch.Tensor | None = None) -> Spectrum:
    """For series (series, time) of which these cells were observed. regressors: (series, time, k) of g, or None."""
    n_times = observed.shape[1]
    position = torch.arange(1, n_times + 1, dtype=torch.float64)
    walk = torch.minimum(position[:, None], position)
    kinds, kind_of = torch.unique(observed, dim=0, return_inverse=True)
    patterns, columns = [], 0
    for number, mask in enumerate(kinds):
        rows = torch.nonzero(kind_of == number)[:, 0]
        own = None if regressors is None else regressors[rows]
        kept = mask.to(torch.float64)
        design = _design(kept, has_level, own)
        values, vectors = torch.zeros(n_times, dtype=torch.float64), torch.eye(n_times, dtype=torch.float64)
        if has_level:
            values, vectors = torch.linalg.eigh(walk * kept[:, None] * kept)
            values = values.clamp(min=0.0)
        penalty = torch.full((design.shape[-1],), ALLOWANCE**-2, dtype=torch.float64)
        if has_level:
            penalty[0] = EMPTY
        columns += int((design.abs().amax(1) > 0).sum()) * (len(rows) if len(design) == 1 else 1)
        home = None if len(kinds) == 1 else rows
        patterns.append(Pattern(home, vectors, values, vectors.T @ design, penalty, len(rows), vectors.T @ walk))
    return Spectrum(tuple(patterns), int(observed.sum()) - columns, has_level)


def noise_at(of: Spectrum, ratio: float | None) -> LevelNoise:
    """The weighing at a ratio q."""
    shares, means, log_determinant = [], [], 0.0
    for pattern in of.patterns:
        share = 1.0 / (1.0 + (ratio or 0.0) * pattern.values)
        weighted = pattern.design * share[:, None]
        gram = pattern.design.mT @ weighted + torch.diag(pattern.penalty)
        shares.append(share)
        means.append(torch.linalg.solve(gram, weighted.mT))
        repeats = pattern.n_series if len(gram) == 1 else 1
        log_g = torch.linalg.slogdet(gram).logabsdet.sum() if gram.shape[-1] else torch.zeros(())
        log_determinant += float(log_g) * repeats - float(torch.log(share).sum()) * pattern.n_series
    return LevelNoise(of, ratio or 0.0, tuple(shares), tuple(means), log_determinant)


def level_noise(observed: torch.Tensor, ratio: float | None, regressors: torch.Tensor | None = None) -> LevelNoise:
    """The weighing of residuals with these cells observed; ratio: None for a node without a level."""
    return noise_at(spectrum(observed, ratio is not None, regressors), ratio)


def profiled(quadratic: torch.Tensor, noise: LevelNoise, prior: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    """−log likelihood with σ² at its best: quadratic is Σ r'Ar over series on the scale of the noise.

    prior: weight ν and scale s of a weak prior on σ² (scaled inverse χ²), which keeps a residual of zero finite.
    """
    count, scale = prior
    return 0.5 * (noise.degrees + count) * torch.log(quadratic + count * scale**2) + 0.5 * noise.log_determinant


def best_ratio(residual: torch.Tensor, of: Spectrum, near: float | None = None) -> float:
    """The variance ratio q at which the likelihood of the residuals (series, time) is largest.

    near: look only within a factor of 20 of this ratio.
    """
    from math import exp, log

    from scipy.optimize import minimize_scalar

    tiny = 1e-12 * float((residual**2).sum()) + 1e-300
    least, most = RATIOS if near is None else (max(near / 20, RATIOS[0]), min(near * 20, RATIOS[1]))

    def loss(log_ratio: float) -> float:
        noise = noise_at(of, exp(log_ratio))
        return float(profiled(noise.weigh(residual)[0] + tiny, noise))

    found = minimize_scalar(loss, bounds=(log(least), log(most)), method="bounded", options={"xatol": 0.02})
    return exp(found.x)


def level_covariance(observed: torch.Tensor, ratio: float, regressors: torch.Tensor | None = None) -> torch.Tensor:
    """Of the level given the residuals, in units of σ² (series or 1, time, time); also for weeks without observation.

    The information on the level is what the observed cells say, less what γ takes, plus the walk's: D'D/q with D the
    first differences.
    """
    is_shared = bool((observed == observed[:1]).all()) and regressors is None
    kept = (observed[:1] if is_shared else observed).to(torch.float64)
    steps = torch.diff(torch.eye(kept.shape[1], dtype=torch.float64), dim=0)
    information = torch.diag_embed(kept) + (steps.T @ steps) / ratio
    if regressors is not None:
        design = torch.cat([_design(mask, False, own[None]) for mask, own in zip(kept, regressors, strict=True)])
        gram = design.mT @ design + ALLOWANCE**-2 * torch.eye(design.shape[-1], dtype=torch.float64)
        information = information - design @ torch.linalg.solve(gram, design.mT)
    return torch.linalg.inv(information)


def _design(kept: torch.Tensor, has_level: bool, regressors: torch.Tensor | None) -> torch.Tensor:
    """G (series or 1, time, p) on the cells kept (time,): the constant, if there is a level, then the regressors,
    centred and scaled by series; one that does not vary is zero.
    """
    columns = [kept[None, :, None]] if has_level else []
    if regressors is not None:
        weight = (kept / kept.sum().clamp(min=1.0))[None, :, None]
        centred = (regressors - (regressors * weight).sum(1, keepdim=True)) * kept[None, :, None]
        spread = (centred**2 * weight).sum(1, keepdim=True).sqrt()
        columns = [column.expand(len(regressors), -1, -1) for column in columns]
        columns.append(torch.where(spread > 1e-12, centred / spread.clamp(min=1e-12), 0.0))
    return torch.cat(columns, -1) if columns else kept.new_zeros(1, len(kept), 0)
