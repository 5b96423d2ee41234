"""The example of docs/forecast.md is run as it stands there."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "forecast.md"


def test_the_example_of_modules_runs_and_forecasts(capsys):
    section = PAGE.read_text(encoding="utf-8").split("## Modules")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    exec(compile(code, "docs/forecast.md", "exec"), {})
    first, *frame = capsys.readouterr().out.splitlines()
    assert float(first) == pytest.approx(math.sqrt((20 + 2 * math.log(2)) * (30 + math.log(2))), rel=1e-12)
    assert len(frame) == 1 + 8
