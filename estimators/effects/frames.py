"""Several effects of one call, as a frame on the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estimators.results import Effect, rows


def with_frame(effects: Sequence[Effect]) -> Effect:
    """The first effect; if there are more, all of them stand in its `.effects`, one row each, in order."""
    if len(effects) == 1:
        return effects[0]
    import pandas as pd

    return replace(effects[0], effects=pd.DataFrame(rows(effects)).drop(columns="diagnostics"))
