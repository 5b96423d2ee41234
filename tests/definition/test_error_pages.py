"""docs/errors.md has a page for every code that the code can print, and its examples have the form of a message."""

from __future__ import annotations

import re

import pytest

from tests.source_tree import ROOT, files, text

PAGE = (ROOT / "docs" / "errors.md").read_text()
SECTIONS = dict(re.findall(r"^## causal-(\d{3})\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
USED = re.compile(r"""(?:Fault\(|refuse\(|code=|Violation\([^"]*)\s*"(\d{3})"|CAUSAL-(\d{3})""")
HANDLED_WITHOUT_A_MESSAGE = {"018", "019", "021"}


def codes_in(*folders: str) -> set[str]:
    found = [USED.findall(text(p)) for suffix in (".py", ".sql") for p in files(suffix, *folders)]
    return {a or b for pairs in found for a, b in pairs}


def test_every_code_that_is_printed_has_a_section():
    codes = codes_in("estimators", "dbt_causal", "macros")
    assert {"001", "014", "017", "032"} <= codes
    assert codes - set(SECTIONS) == set()


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_a_section_says_why_it_matters_and_how_to_remedy(code):
    section = SECTIONS[code]
    assert "*Why it matters.*" in section
    assert "*Remedy.*" in section
    assert f"[{code}](#causal-{code})" in PAGE


@pytest.mark.parametrize("code", sorted(set(SECTIONS) - HANDLED_WITHOUT_A_MESSAGE))
def test_the_example_of_a_section_is_a_message_of_at_most_six_lines(code):
    (example,) = re.findall(r"```\n(.*?)```", SECTIONS[code], re.DOTALL)
    lines = example.splitlines()
    assert lines[0].startswith(f"CAUSAL-{code} ")
    assert len(lines) <= 6
    assert any(line.startswith("  fix: ") for line in lines)
