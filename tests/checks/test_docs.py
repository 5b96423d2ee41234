"""The page of the checks knows every check, by the anchor that messages point to."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from estimators.checks.verdict import _CHECK_OF_CODE
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")


def names_in_source() -> set[str]:
    """First arguments of Check(...), passed(...) and failed(...), and the constants NAME."""
    found: set[str] = set()
    for path in [*Path(ROOT, "estimators").rglob("*.py"), *Path(ROOT, "dbt_causal").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "NAME":
                found |= _text(node.value)
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("Check", "passed", "failed")
                and node.args
            ):
                found |= _text(node.args[0])
    return found | set(_CHECK_OF_CODE.values())


def _text(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return {title.lower().replace(" ", "_"): body for title, body in zip(parts[::2], parts[1::2], strict=True)}


def test_every_check_has_a_section():
    assert names_in_source() - sections().keys() == set()


def test_every_section_belongs_to_a_check():
    assert sections().keys() - names_in_source() - {"missing_outcomes", "finite_outcomes", "method"} == set()


def test_every_gate_of_the_data_says_its_rule_and_its_remedy():
    for name in (
        "placebo_outcome",
        "placebo_treatment",
        "balance",
        "overlap",
        "sample_ratio",
        "index_dates",
        "attrition",
    ):
        for part in ("**Shows**", "**Example.**", "**Why it matters.**", "**Remedy.**", "**Rule.**"):
            assert part in sections()[name], (name, part)
