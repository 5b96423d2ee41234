"""Several effects of one call, as a frame on the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estimators.effects.method import Design
from estimators.results import Effect, rows


def estimated(design: Design, outcomes: Sequence[str], segment: str | None) -> Effect:
    """The effect on the first outcome; all of them, and those by level of `segment`, stand in its `.effects`."""
    effects = list(design.estimate(outcomes).effects)
    if segment is not None:
        effects += design.estimate(outcomes, segment).effects
    if len(effects) == 1:
        return effects[0]
    import pandas as pd

    return replace(effects[0], effects=pd.DataFrame(rows(effects)).drop(columns="diagnostics"))
