"""A macro of macros/dialect as text, without dbt."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

DIALECT = Path(__file__).resolve().parents[1] / "macros" / "dialect"


def rendered(engine: str, macro: str, *arguments: Any) -> str:
    """One engine's version of a macro, which uses nothing of dbt but the modules that it lends."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = environment.from_string((DIALECT / f"{macro}.sql").read_text()).make_module(
        {
            "adapter": SimpleNamespace(dispatch=None),
            "return": lambda value: value,
            "modules": SimpleNamespace(re=re),
        }
    )
    return getattr(module, f"{engine}__{macro}")(*arguments).strip()
