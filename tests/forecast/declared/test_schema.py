"""The committed JSON schema of a forecast is the one of the model, and it accepts what the model accepts."""

from __future__ import annotations

import json

import jsonschema
import pytest

from dbt_causal.cli import main
from estimators.forecast.declared.definition import json_schema
from tests.forecast.declared.definitions import FORECAST, node
from tests.source_tree import ROOT

COMMITTED = ROOT / "docs" / "forecast.schema.json"


def test_the_committed_schema_is_current():
    assert json.loads(COMMITTED.read_text()) == json_schema(), "run: causal schema forecast > docs/forecast.schema.json"


def test_the_command_prints_the_committed_schema(capsys):
    assert main(["schema", "forecast"]) == 0
    assert capsys.readouterr().out == COMMITTED.read_text()


def test_the_schema_accepts_a_definition_with_shorthands():
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(FORECAST)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 0},
        {"nodes": node("hours", type="respons")},
        {"nodes": node("hours", baselin={})},
        {"losses": [{"type": "fit", "node": "rides", "weight": -1.0}]},
        {"constraints": [{"type": "ramp", "decision": "bonus", "dim": "week"}]},
        {"robust": {"cvar": 1.0}},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**FORECAST, **change}, json_schema())
