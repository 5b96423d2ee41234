"""Whether a series is long enough, its chains agree, and a synthetic control fits where it should."""

from __future__ import annotations

from estimators.checks.verdict import passed, rounded
from estimators.results import Check, Effect

_TIMES_POST, _SEASONS = 3.0, 2.0
_R_HAT_WARNS, _R_HAT_FAILS = 1.05, 1.2
_FEWEST_DRAWS = 100.0  # effective ones, for a 2.5 % quantile
_FIT_WARNS, _FIT_FAILS = 0.25, 1.0  # pre-period RMSPE over the outcome's sd


def pre_period_length(effect: Effect) -> Check:
    """Warns below 3 times the post-period or 2 seasons: then the past says little about what would have come."""
    n_pre, n_post = effect.diagnostics["n_pre"], effect.diagnostics["n_post"]
    settings = effect.diagnostics.get("settings", {})
    cycle = (settings.get("season") or 0) * settings.get("season_duration", 1)
    where = {"statistic": n_pre / n_post, "threshold": _TIMES_POST, "method": effect.method, "outcome": effect.outcome}
    said = f"{n_pre:,} periods before the intervention, {n_post:,} after it"
    if cycle and n_pre < _SEASONS * cycle:
        reason = f"fewer than {_SEASONS:g} seasons before the intervention: {said}, {cycle:,} in a season"
        return Check("pre_period_length", "warn", f"{reason}; fix: a longer pre-period", code="027", **where)
    if n_pre < _TIMES_POST * n_post:
        reason = f"the pre-period is shorter than {_TIMES_POST:g} times the post-period: {said}"
        return Check(
            "pre_period_length", "warn", f"{reason}; fix: a longer pre-period, or ask for a shorter effect", **where
        )
    return passed("pre_period_length", said, **where)


def chain_convergence(effect: Effect) -> Check:
    """R-hat of every parameter and of the effect (Vehtari et al. 2021)."""
    found = effect.diagnostics.get("r_hat")
    where = {"threshold": _R_HAT_FAILS, "method": effect.method, "outcome": effect.outcome}
    if not found:
        return Check(
            "chain_convergence", "not_evaluated", "the engine has no chains to compare", is_gate=False, **where
        )
    name, worst = max(found.items(), key=lambda item: item[1])
    draws = effect.diagnostics["effective_sample_size"]["average_effect"]
    said = f"largest R-hat {worst:.3f} ({name}); the effect rests on {draws:,.0f} independent draws"
    if worst > _R_HAT_FAILS or draws < _FEWEST_DRAWS:
        return Check(
            "chain_convergence", "fail", f"the chains disagree: {said}; fix: more draws", statistic=worst, **where
        )
    if worst > _R_HAT_WARNS:
        return Check("chain_convergence", "warn", f"{said}; fix: more draws", statistic=worst, **where)
    return passed("chain_convergence", said, statistic=worst, **where)


def pre_period_fit(effect: Effect) -> Check:
    """Of a synthetic control: root mean squared gap before the intervention over the outcome's sd among units."""
    found = effect.diagnostics
    statistic = found["pre_rmspe"] / found["outcome_sd"]
    where = {"statistic": statistic, "threshold": _FIT_FAILS, "method": effect.method, "outcome": effect.outcome}
    said = f"root mean squared gap before the intervention {rounded(found['pre_rmspe'])}, {statistic:.2f} SD"
    fix = "fix: more or closer donors, or demeaned: true if only the level differs"
    if statistic > _FIT_FAILS:
        return Check(
            "pre_period_fit", "fail", f"no mixture of donors follows the treated units: {said}; {fix}", **where
        )
    if statistic > _FIT_WARNS:
        return Check("pre_period_fit", "warn", f"{said}; {fix}", **where)
    return passed("pre_period_fit", said, **where)
