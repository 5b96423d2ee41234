"""Whole messages of refusals, as a user reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from estimators.errors import CausalError

MORE = "more: docs/errors.md#causal-029"


def refusal(work: Callable[[], Any]) -> str:
    """The message with which `work` is refused, without the pointer to the docs, which every message must have."""
    with pytest.raises(CausalError) as caught:
        work()
    message = str(caught.value)
    assert message.startswith("CAUSAL-029 ")
    assert message.endswith(MORE)
    return message.removeprefix("CAUSAL-029 ").removesuffix(f"\n  {MORE}")
