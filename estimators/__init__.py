"""Causal estimators whose rows stay in the warehouse.

Every name is loaded on first use, so that ``import estimators`` stays light: no pandas, no scikit-learn, no torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("dbt-causal")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.1.0"

_HOMES = {
    "difference": "estimators.effects.difference",
    "cem": "estimators.effects.cem",
    "aipw": "estimators.effects.aipw",
    "iv": "estimators.effects.iv",
    "panel": "estimators.effects.panel",
    "did": "estimators.effects.did",
    "bsts": "estimators.effects.bsts",
    "synthetic_control": "estimators.effects.synthetic_control",
    "randomization_test": "estimators.checks.randomization",
    "analyse": "estimators.analysis",
    "advise": "estimators.advice",
    "Study": "estimators.study",
    "Results": "estimators.study_results",
    "Effect": "estimators.results",
    "Check": "estimators.results",
    "CausalError": "estimators.errors",
}
__all__ = [*_HOMES]  # noqa: PLE0604 - names are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'estimators' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
