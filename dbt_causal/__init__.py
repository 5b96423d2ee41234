"""What dbt sees of Causal. dbt imports this module at every start, so nothing heavy may be imported here.

`plugins` is made on request, because only dbt asks for it: the command `causal` must not import dbt.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "plugins":
        try:
            from dbt_causal.plugin import CausalPlugin
        except ModuleNotFoundError as error:
            raise AttributeError("plugins: dbt is not installed") from error
        return [CausalPlugin]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
