"""Bayesian structural time series: what the outcome would have been without the intervention (Brodersen et al. 2015).

Local level, optional season, and a spike-and-slab regression on control series that the intervention did not touch;
priors and standardisation are those of R's CausalImpact. Posterior by a seeded Markov chain (`bsts_sampler`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from estimators.effects.bsts_diagnostics import effective_sample_size, r_hat
from estimators.effects.bsts_fit import Fit, Settings, fit, forecast
from estimators.effects.bsts_held_out import held_out
from estimators.effects.bsts_summary import average_effect, series_frame
from estimators.effects.series_inputs import SeriesInputs, read_series
from estimators.errors import refuse
from estimators.results import Effect
from estimators.warehouse import as_relation

_ENGINES = ("gibbs", "tfcausalimpact")


def bsts(
    data: Any,
    time: str,
    outcome: str,
    controls: Sequence[str] = (),
    intervention: Any = None,
    season: int | None = None,
    seed: int | str = 0,
    engine: str = "gibbs",
    gap_end: Any = None,
    **options: Any,
) -> Effect:
    """Effect of an intervention on one series, from its own past and from series that were not touched.

    data: pandas frame, DuckDB relation or `Relation`, one row per period.  time: a date, timestamp or number, evenly
    spaced.  outcome: null where it is not known.  controls: columns without nulls.  intervention: the first period
    touched.  gap_end: the first period that counts as after it, if there is a gap.  season: periods per cycle (7 for
    daily data with a weekly cycle).
    options: season_duration=1 (periods per season), n_chains=4, n_draws=1000 per chain after n_burn=150,
    expected_model_size=3, expected_r2=0.8, prior_df=50, level_sd=0.01 (of the outcome's sd), holds_out=True.

    The estimate is the average effect per post-period; its standard error is the posterior sd, its interval the
    posterior's 2.5 and 97.5 % quantiles, the p-value twice the tail area. The same seed gives the same numbers.
    Raises CausalError (001, 003, 011, 020, 027).
    """
    holds_out = bool(options.pop("holds_out", True))
    settings = settings_of(season, seed, engine, options)
    if intervention is None:
        raise refuse("001", "no intervention", "intervention is None", fix="name the first period touched by it")
    inputs = read_series(as_relation(data), time, outcome, tuple(controls), intervention, gap_end)
    _require_a_season(inputs, settings)
    if engine == "tfcausalimpact":
        from estimators.effects.bsts_tfcausalimpact import tfcausalimpact_effect

        return tfcausalimpact_effect(inputs, outcome, settings)
    return series_effect(inputs, outcome, settings, holds_out)


def settings_of(season: int | None, seed: int | str, engine: str, options: dict[str, Any]) -> Settings:
    """The settings that the arguments of `bsts` ask for. Raises CausalError 001 for unknown or impossible ones."""
    if engine not in _ENGINES:
        raise refuse("001", "unknown engine", f"engine is {engine!r}", fix=f"one of {', '.join(_ENGINES)}")
    known = set(Settings.__dataclass_fields__) - {"season", "seed"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise refuse("001", "unknown option", ", ".join(unknown), fix=f"options are {', '.join(sorted(known))}")
    settings = Settings(season=None if season in (None, 1) else int(season), seed=seed, **options)
    _require_sensible(settings)
    return settings


def _require_sensible(settings: Settings) -> None:
    """Raises CausalError 001 for options outside their range."""
    rules = {
        "season must be 2 or more": settings.season is None or settings.season >= 2,
        "season_duration must be 1 or more": settings.season_duration >= 1,
        "n_chains must be 1 or more": settings.n_chains >= 1,
        "n_draws must be 10 or more": settings.n_draws >= 10,
        "n_burn must be 30 or more": settings.n_burn >= 30,
        "expected_model_size must be positive": settings.expected_model_size > 0.0,
        "expected_r2 must lie between 0 and 1": 0.0 < settings.expected_r2 < 1.0,
        "prior_df and level_sd must be positive": min(settings.prior_df, settings.level_sd) > 0.0,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise refuse("001", "an option outside its range", *broken, fix="see the defaults of bsts")


def _require_a_season(inputs: SeriesInputs, settings: Settings) -> None:
    """A season that was never seen whole cannot be told from the level."""
    cycle = (settings.season or 1) * settings.season_duration
    if inputs.n_pre >= cycle + 1:
        return
    detail = f"{inputs.n_pre:,} periods before the intervention, {cycle:,} in a cycle of the season"
    raise refuse("027", "pre-period shorter than a season", detail, fix="leave season out, or use a longer pre-period")


def series_effect(inputs: SeriesInputs, outcome: str, settings: Settings, holds_out: bool = True) -> Effect:
    """The effect on a series that has been read: what placebo checks call on other parts of it.

    One thread of linear algebra, so that the sums are the same whatever the number of threads.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _series_effect(inputs, outcome, settings, holds_out)


def _series_effect(inputs: SeriesInputs, outcome: str, settings: Settings, holds_out: bool) -> Effect:
    before, after = inputs.outcome[inputs.is_pre], inputs.outcome[inputs.is_post]
    fitted = fit(before, inputs.controls[inputs.is_pre], settings)
    ahead = forecast(fitted, inputs.controls[inputs.is_post], inputs.steps)
    found = average_effect(after, ahead)
    average = ahead.simulated[:, ~np.isnan(after)].mean(axis=1)
    diagnostics = {
        **{k: found[k] for k in ("tail_area_p", "cumulative_effect", "relative_effect")},
        **_lengths(inputs),
        **_regression(fitted, inputs.names),
        **_convergence(fitted, average, inputs.names),
        "held_out": held_out(before, inputs.controls[inputs.is_pre], settings) if holds_out else None,
        "engine": "gibbs",
        "settings": asdict(settings),
    }
    return _effect(found, inputs, outcome, diagnostics, series_frame(inputs, fitted, ahead))


def _effect(found: dict[str, Any], inputs: SeriesInputs, outcome: str, diagnostics: Any, series: Any) -> Effect:
    numbers = {k: found[k] for k in ("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "control_mean")}
    return Effect(
        **numbers,
        n_units=inputs.n_pre + inputs.n_post,
        n_treated=inputs.n_post,
        method="bsts",
        estimand="ATT",
        outcome=outcome,
        se_convention="posterior",
        diagnostics=diagnostics,
        series=series,
    )


def _lengths(inputs: SeriesInputs) -> dict[str, Any]:
    before, after = inputs.outcome[inputs.is_pre], inputs.outcome[inputs.is_post]
    return {
        "n_pre": inputs.n_pre,
        "n_post": inputs.n_post,
        "n_gap": int(inputs.steps[0]) - 1,
        "n_missing_pre": int(np.isnan(before).sum()),
        "n_missing_post": int(np.isnan(after).sum()),
    }


def _regression(fitted: Fit, names: Sequence[str]) -> dict[str, Any]:
    """Inclusion probabilities and posterior mean coefficients, in units of the outcome per unit of the control."""
    inclusion, means = (fitted.draws.beta != 0.0).mean(axis=0), fitted.coefficients().mean(axis=0)
    sigma = (fitted.draws.sigma * fitted.scale.outcome_sd).mean(axis=0)
    return {
        "inclusion": dict(zip(names, inclusion.tolist(), strict=True)),
        "coefficients": dict(zip(names, means.tolist(), strict=True)),
        "sd": dict(zip(("noise", "level", "season"), sigma.tolist(), strict=False)),
    }


def _convergence(fitted: Fit, average: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """R-hat and effective sample size of the average effect, every sd and every coefficient."""
    quantities = {"average_effect": average}
    for name, column in zip(("sd_noise", "sd_level", "sd_season"), fitted.draws.sigma.T, strict=False):
        quantities[name] = column
    for name, column in zip(names, fitted.draws.beta.T, strict=True):
        quantities[f"coefficient {name}"] = column
    chains = {name: fitted.by_chain(values) for name, values in quantities.items()}
    return {
        "r_hat": {name: r_hat(values) for name, values in chains.items()},
        "effective_sample_size": {name: effective_sample_size(values) for name, values in chains.items()},
    }
