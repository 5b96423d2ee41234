"""Code 002 in the file: duplicate keys with both lines, and values that dbt reads as something else."""

from __future__ import annotations

import pytest

from dbt_causal.definitions import faults
from dbt_causal.project_files import definitions_in
from dbt_causal.yaml_source import read
from tests.definition.small_project import STUDY, write_project


def messages(folder, old: str, new: str) -> list[str]:
    """All messages about the small project after one replacement in its study."""
    assert old in STUDY
    return [str(f) for f in faults(definitions_in(write_project(folder, STUDY.replace(old, new))))]


def test_a_duplicate_key_names_both_lines(tmp_path):
    twice = "          owner: growth\n          owner: sales\n"
    assert messages(tmp_path, "          owner: growth\n", twice) == [
        "CAUSAL-002 duplicate key  models/push.yml:8\n"
        "  owner stands in lines 7 and 8: the last one would win\n"
        "  fix: keep one of them\n"
        "  more: docs/errors.md#causal-002"
    ]


def test_no_without_quotes_is_not_read_as_false(tmp_path):
    assert messages(tmp_path, "owner: growth", "owner: NO") == [
        "CAUSAL-002 text without quotes  models/push.yml:7\n"
        "  owner is NO without quotes, which dbt reads as true or false\n"
        '  fix: write "NO"\n'
        "  more: docs/errors.md#causal-002"
    ]


def test_a_time_without_quotes_is_not_read_as_a_number(tmp_path):
    assert messages(tmp_path, "owner: growth", "owner: 12:30:45") == [
        "CAUSAL-002 text without quotes  models/push.yml:7\n"
        "  owner is 12:30:45 without quotes, which dbt reads as a number\n"
        '  fix: write "12:30:45"\n'
        "  more: docs/errors.md#causal-002"
    ]


def test_a_date_without_quotes_is_refused(tmp_path):
    assert messages(tmp_path, '"2026-05-01"', "2026-05-01") == [
        "CAUSAL-002 text without quotes  models/push.yml:11\n"
        "  as_of is 2026-05-01 without quotes, which dbt reads as a date\n"
        '  fix: write "2026-05-01"\n'
        "  more: docs/errors.md#causal-002"
    ]


@pytest.mark.parametrize("text", ["NO", "off", "Yes", "12:30:45", "0123", "2026-05-01"])
def test_quotes_keep_strings_strings(tmp_path, text):
    (tmp_path / "a.yml").write_text(f'a: "{text}"\n')
    source = read(tmp_path / "a.yml", "a.yml")
    assert (source.data, source.traps) == ({"a": text}, [])


def test_plain_values_are_read_as_dbt_reads_them(tmp_path):
    (tmp_path / "a.yml").write_text(
        "{a: true, b: 7, c: 0.5, d: null, e: ~, f: none, g: .inf, h: -3, i: 1_000, j: 1e-3}\n"
    )
    import yaml

    assert read(tmp_path / "a.yml", "a.yml").data == yaml.safe_load((tmp_path / "a.yml").read_text())


def test_anchors_and_merges_are_followed(tmp_path):
    (tmp_path / "a.yml").write_text("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nlist: [*b]\n")
    data = read(tmp_path / "a.yml", "a.yml").data
    assert (data["more"], data["list"]) == ({"x": 1, "y": 3}, [{"x": 1, "y": 2}])


def test_an_alias_to_its_own_parent_ends(tmp_path):
    (tmp_path / "a.yml").write_text("a: &r [1, *r]\n")
    assert read(tmp_path / "a.yml", "a.yml").data["a"][0] == 1


def test_a_file_that_is_no_yaml_is_a_fault_with_its_line(tmp_path):
    found = messages(tmp_path, "          owner: growth", "          owner: [growth")
    assert "CAUSAL-002 not valid YAML  models/push.yml:8" in found[-1].splitlines()[0]


def test_duplicates_in_files_without_definitions_are_none_of_our_business(tmp_path):
    write_project(tmp_path)
    (tmp_path / "models" / "other.yml").write_text("models:\n  - {name: a, name: a, description: NO}\n")
    assert faults(definitions_in(tmp_path)) == []
