"""The committed JSON schema is the one of the model, and it accepts what the model accepts."""

from __future__ import annotations

import json

import jsonschema
import pytest

from dbt_causal.cli import main
from estimators.study import json_schema
from tests.definition.small_project import DEFINITION
from tests.source_tree import ROOT

COMMITTED = ROOT / "docs" / "study.schema.json"


def test_the_committed_schema_is_current():
    assert json.loads(COMMITTED.read_text()) == json_schema(), "run: causal schema > docs/study.schema.json"


def test_the_command_prints_the_committed_schema(capsys):
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == COMMITTED.read_text()


def test_the_schema_accepts_a_definition_with_shorthands():
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(DEFINITION)) == []


@pytest.mark.parametrize("change", [{"confounder": []}, {"estimand": "att"}, {"margin": 0}, {"as_of": 3}])
def test_the_schema_refuses_what_the_model_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**DEFINITION, **change}, json_schema())
