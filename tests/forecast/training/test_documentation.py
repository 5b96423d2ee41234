"""The example of docs/forecast_training.md is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "forecast_training.md"


def test_the_example_says_what_the_page_says(capsys):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    exec(compile(code, "docs/forecast_training.md", "exec"), {})
    believing, held = (line.split() for line in capsys.readouterr().out.splitlines())
    assert float(believing[0]) < 6
    assert believing[1] == "fail"
    assert abs(float(held[0]) - 11) < 1.5
    assert held[1] == "pass"
