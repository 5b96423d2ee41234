"""The fitted models and plans of this process. A later step of the same build takes them from here.

A step that is built by itself, in another process, fits again: training is repeatable to the bit, and the fingerprint
that the step `fit` left in its table says whether this is the same fit. So no model is read from a table as code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt_causal.forecasts.frames import Identity
from estimators.errors import refuse

if TYPE_CHECKING:
    from dbt_causal.forecasts.model import Trained
    from estimators.forecast.planning.planned import Planned

_FITS: dict[Identity, Trained] = {}
_PLANS: dict[Identity, Planned] = {}


def keep(identity: Identity, trained: Trained) -> None:
    """Keeps a fit for the steps that follow, in place of earlier fits of the same forecast."""
    for kept in (_FITS, _PLANS):
        for other in [known for known in kept if known.forecast_id == identity.forecast_id]:
            del kept[other]
    _FITS[identity] = trained


def keep_plan(identity: Identity, planned: Planned) -> None:
    """Keeps the plan made with a fit."""
    _PLANS[identity] = planned


def take_plan(identity: Identity, solve: Callable[[], Planned]) -> Planned:
    """The plan made with this fit, made again if this process has not made it."""
    if identity not in _PLANS:
        keep_plan(identity, solve())
    return _PLANS[identity]


def take(identity: Identity, wanted: str, train: Callable[[], Trained]) -> Trained:
    """The fit with this identity and fingerprint, trained again if this process has not made it.

    Raises CAUSAL-029 if that gives another fit: then history or experiments have changed since.
    """
    if identity not in _FITS:
        again = train()
        if fingerprint(again) != wanted:
            fix = f"build the fit and what follows: dbt build -s {identity.forecast_id}__fit+"
            raise refuse("029", "the fit is not that of these tables", "history or experiments changed since", fix=fix)
        keep(identity, again)
    return _FITS[identity]


def fingerprint(trained: Trained) -> str:
    """The md5 of all parameters, at their best and of every draw."""
    digest = hashlib.md5(usedforsecurity=False)
    for state in (trained.fitted.model.state_dict(), *trained.fitted.draws):
        for name, value in sorted(state.items()):
            digest.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
