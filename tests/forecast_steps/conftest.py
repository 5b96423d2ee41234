"""One company, fitted and planned for once."""

from __future__ import annotations

import pytest

from tests.forecast_steps.shop import Shop


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop()
    made.step("fit")
    made.step("consistency", "fit")
    made.step("plan", "fit", "consistency")
    return made
