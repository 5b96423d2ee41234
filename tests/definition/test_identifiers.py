"""Code 004 as a property: no string that could be anything but a name in SQL, Jinja or a path becomes one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimators.study import IDENTIFIER, LABEL, column_name, definition_faults
from tests.definition.small_project import DEFINITION

HOSTILE = [
    "",
    "1abc",
    "Abc",
    "a b",
    "a-b",
    "a.b",
    "a;b",
    "a'b",
    'a"b',
    "a\n",
    "a\x00",
    "a/../b",
    "{{ x }}",
    "ä",
    "a\u202eb",
    "a" * 64,
    "select 1; --",
]


def faults_of(name: str) -> list[str]:
    keys = {"cluster": name, "segments": [name], "outcomes": [{"feature": "sessions", "name": name, "window_days": 7}]}
    return [f.code for key, value in keys.items() for f in definition_faults({**DEFINITION, key: value})]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused_at_every_place_of_a_name(name):
    assert set(faults_of(name)) == {"004"}


@given(st.text(max_size=80))
def test_a_name_that_is_accepted_holds_nothing_but_letters_digits_and_underscores(name):
    if not faults_of(name):
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)


@given(st.from_regex(IDENTIFIER, fullmatch=True))
def test_every_proper_name_is_accepted(name):
    assert faults_of(name.rstrip("\n")) == []


@given(st.from_regex(LABEL, fullmatch=True))
def test_the_column_of_any_label_is_a_proper_name(label):
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", column_name(label.rstrip("\n")))


@given(st.text(alphabet="'\"`;\\{}\x00\n$*?[]|!#@=^~", min_size=1, max_size=20))
def test_a_label_holds_no_quotes_and_no_signs_of_a_program(text):
    faults = definition_faults({**DEFINITION, "confounders": [f"sessions {text}"]})
    assert {f.code for f in faults} == {"004"}
