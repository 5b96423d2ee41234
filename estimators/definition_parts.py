"""What all definitions share, of studies and of forecasts: names, texts, shares, and strict frozen parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

IDENTIFIER = r"^[a-z][a-z0-9_]{0,62}$"
HASH = r"^[0-9a-f]{32}$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Share = Annotated[float, Field(gt=0, lt=1)]
Scalar = str | int | float | bool


class Part(BaseModel):
    """A frozen piece of a definition: no unknown keys, and no silent casts (`"5"` is not 5, `true` is not 1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
