"""Heavy libraries, imported by one of dbt's threads at a time.

Python lets two threads that import packages with circular imports see half of a module rather than wait for ever: a
study that loaded scipy while a forecast loaded torch and scipy found no `scipy.stats`.
"""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from types import ModuleType

SHARED = ("numpy", "pandas", "scipy.stats", "scipy.optimize", "scipy.sparse")  # by studies and forecasts alike
_LOCK = RLock()


def loaded(*modules: str) -> ModuleType:
    """The last of `modules`, after what studies and forecasts share and the others, in this order."""
    with _LOCK:
        return [import_module(name) for name in (*SHARED, *modules)][-1]
