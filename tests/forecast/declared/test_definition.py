"""A declared forecast as an analyst sees it: what is valid, and the whole message of every fault, all at once."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any, get_args

import pytest
import yaml

from estimators.errors import CausalError
from estimators.forecast.declared.definition import Forecast, definition_faults, parse
from estimators.forecast.declared.nodes import Known
from tests.forecast.declared.definitions import FORECAST, node, without
from tests.source_tree import ROOT


def message(**changes: Any) -> str:
    return "\n".join(str(fault) for fault in definition_faults({**FORECAST, **changes}))


def constraint(**keys: Any) -> str:
    return message(constraints=[keys])


def test_a_full_definition_has_no_faults():
    assert definition_faults(FORECAST) == []


def test_an_import_path_stands_where_a_type_would():
    (own,) = [n for n in parse(FORECAST).nodes if n.name == "support_calls"]
    assert (own.type, own.path) == ("import", "tests.forecast.declared.own_module:Calls")


def test_an_input_may_be_written_as_its_name():
    (hours,) = [n for n in parse(FORECAST).nodes if n.name == "hours"]
    assert [effect.input for effect in hours.inputs] == ["bonus", "holiday"]


def test_a_definition_is_judged_without_torch_or_pandas():
    code = "import sys, estimators.forecast.declared.definition; print({'torch', 'pandas', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_all_faults_are_said_at_once():
    found = definition_faults(
        {
            **without("owner"),
            "horizn": 8,
            "nodes": node("hours", type="respons"),
            "decisions": ["bonuss"],
            "losses": [{"type": "agree"}],
            "time": "weeks",
        }
    )
    assert [f.subject for f in found] == [
        "missing key",
        "unknown type",
        "unknown key",
        "time is no dim",
        "unknown decision",
    ]


def test_the_place_of_a_fault_is_its_key():
    (fault,) = definition_faults({**FORECAST, "decisions": ["bonuss"], "constraints": []}, locate=str)
    assert fault.where == "('decisions', 0)"


def test_parse_raises_what_definition_faults_finds():
    with pytest.raises(CausalError) as refused:
        parse({**FORECAST, "decisions": ["bonuss"], "constraints": []})
    assert [f.subject for f in refused.value.faults] == ["unknown decision"]


def test_001_an_unknown_key_names_the_nearest_one():
    assert message(horizons=3) == (
        "CAUSAL-001 unknown key\n"
        "  'horizons' is not a key of the forecast; did you mean horizon?\n"
        "  fix: see docs/forecast.schema.json for the keys\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_an_unknown_key_of_an_input_lists_the_keys_there():
    assert message(nodes=node("hours", inputs=[{"input": "bonus", "sing": "positive"}])) == (
        "CAUSAL-001 unknown key\n"
        "  'sing' is not a key of nodes[1].inputs[1]; did you mean sign?\n"
        "  fix: keys of nodes[1].inputs[1]: input, unit, sign, over, pool, carry_over, saturation, scale, prior, "
        "decay_prior, scale_prior, steepness_prior\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_an_unknown_type_names_the_nearest_one():
    assert message(nodes=node("hours", type="respons")) == (
        "CAUSAL-001 unknown type\n"
        "  nodes[1] names 'respons'; did you mean response?\n"
        "  fix: types: response, multiplicative, sum, product, ratio, matching, neural, import\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_missing_type_is_said_in_our_words():
    assert message(losses=[{"type": "fit", "node": "rides"}, {"weight": 2.0}]) == (
        "CAUSAL-001 missing key\n  a loss has no type\n  fix: add type: ...\n  more: docs/errors.md#causal-001"
    )


def test_001_a_missing_key_is_named():
    (fault,) = definition_faults(without("horizon"))
    assert (fault.code, fault.details) == ("001", ("the forecast has no horizon",))


@pytest.mark.parametrize("horizon", [0, -8, 2.5, "8"])
def test_001_a_horizon_is_a_number_of_periods(horizon):
    (fault,) = definition_faults({**FORECAST, "horizon": horizon})
    assert fault.code == "001"


def test_002_text_that_yaml_reads_as_a_truth_is_named():
    (fault,) = definition_faults({**FORECAST, "owner": True})
    assert fault.subject == "text without quotes"


def test_004_jinja_is_refused():
    (fault,) = definition_faults({**FORECAST, "question": "{{ env_var('SECRET') }}"})
    assert (fault.code, fault.subject) == ("004", "Jinja in a definition")


@pytest.mark.parametrize("path", ["os.system('x'):Y", "a b:C", "../x:Y", "x:", ":Y", "x.y"])
def test_001_a_hostile_import_path_is_no_type(path):
    (fault,) = definition_faults({**FORECAST, "nodes": node("support_calls", type=path)})
    assert fault.subject == "unknown type"


def test_029_a_cycle_is_printed():
    assert message(nodes=node("hours", inputs=["rides"])) == (
        "CAUSAL-029 a cycle in the graph\n"
        "  hours → rides → hours\n"
        "  fix: break it: let one of them read the other's earlier periods, as an input of the history\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_missing_input_names_the_nearest_name():
    assert message(nodes=node("rides", inputs=["hours", "sesions"])) == (
        "CAUSAL-029 missing input\n"
        "  rides reads sesions, which is no node and no input; did you mean sessions?\n"
        "  fix: correct the name, or declare it under inputs\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_unit_clash_names_both_units():
    assert message(inputs={**FORECAST["inputs"], "bonus": {"dims": ["region", "week"], "unit": "eur"}}) == (
        "CAUSAL-029 units clash\n"
        "  bonus is in eur, hours expects usd\n"
        "  fix: convert it in a node between the two\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_dim_clash_says_what_would_add_up():
    assert message(nodes=node("rides", dims=["week"], inputs=["hours", "sessions"]), losses=FORECAST["losses"]) != ""
    assert message(nodes=node("cancelled", dims=["week"])) == (
        "CAUSAL-029 an input with a dim too many\n"
        "  cancelled (week) reads hours (region, week)\n"
        "  fix: add a node of type sum that adds up hours over region\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 an input with a dim too many\n"
        "  cancelled (week) reads sessions (region, week)\n"
        "  fix: add a node of type sum that adds up sessions over region\n"
        "  more: docs/errors.md#causal-029"
    )


@pytest.mark.parametrize(
    ("changes", "subject", "detail"),
    [
        ({"dims": ["region", "week", "week"]}, "a dim named twice", "week stands there twice"),
        ({"time": "weeks"}, "time is no dim", "time is weeks, dims are region, week; did you mean week?"),
        (
            {"inputs": {**FORECAST["inputs"], "holiday": {"dims": ["weeks"]}}},
            "unknown dim",
            "holiday has dim weeks; did you mean week?",
        ),
        (
            {"nodes": [*FORECAST["nodes"], {"name": "price", "type": "sum", "dims": ["week"], "inputs": ["bonus"]}]},
            "two things of one name",
            "price is an input and an output of node 9",
        ),
        ({"nodes": node("revenue", inputs=["rides"])}, "too few inputs", "revenue is a product of 1, 2 are needed"),
        (
            {"nodes": node("hours", baseline={"pool": ["city"]})},
            "a parameter over a dim that is not there",
            "baseline of hours: pool city is not among region, week",
        ),
        (
            {"losses": [*FORECAST["losses"], {"type": "fit", "node": "ride"}]},
            "unknown node",
            "losses[6] is about ride; did you mean rides?",
        ),
        (
            {"losses": [*FORECAST["losses"], {"type": "smooth", "node": "rides"}]},
            "nothing to smooth",
            "rides has no level: nothing of it moves in time",
        ),
        (
            {"losses": [{"type": "pool"}]},
            "nothing to fit",
            "1 losses, none of type fit: the data would not be looked at",
        ),
        ({"experiments": None}, "agreement with no experiments", "a loss of type agree has nothing to read"),
        (
            {"decisions": ["bonuss"], "constraints": []},
            "unknown decision",
            "bonuss is not among the inputs; did you mean bonus?",
        ),
        ({"decisions": ["bonus", "bonus"]}, "a decision named twice", "bonus stands there twice"),
        ({"objective": None}, "decisions without an objective", "decisions are bonus"),
        (
            {"decisions": [], "constraints": []},
            "a plan without decisions",
            "objective, gate, robust: nothing is decided",
        ),
        (
            {"objective": {"maximise": ["ride"]}},
            "unknown node",
            "objective.maximise names ride; did you mean rides?",
        ),
    ],
)
def test_029_a_graph_or_plan_that_contradicts_itself_is_named(changes, subject, detail):
    (fault,) = definition_faults({**FORECAST, **changes})
    assert (fault.code, fault.subject, fault.details) == ("029", subject, (detail,))


def test_029_a_level_needs_time():
    nodes = [*FORECAST["nodes"], {"name": "size", "type": "response", "dims": ["region"]}]
    (fault,) = definition_faults({**FORECAST, "nodes": nodes})
    assert fault.details == ("size has a level, trend, season or carry-over and no dim week",)


@pytest.mark.parametrize(
    ("keys", "subject", "detail"),
    [
        (
            {"type": "total", "of": ["ride"], "at_most": 1.0},
            "unknown node",
            "constraints[1] (total) names ride; did you mean rides?",
        ),
        (
            {"type": "box", "decision": "price", "upper": 1.0},
            "unknown decision",
            "constraints[1] (box) names price",
        ),
        (
            {"type": "ramp", "decision": "bonus", "dim": "weeks", "at_most": 0.2},
            "unknown dim",
            "constraints[1] (ramp): bonus has no dim weeks; did you mean week?",
        ),
        ({"type": "box", "decision": "bonus"}, "a constraint without a limit", "constraints[1] (box) excludes nothing"),
        (
            {"type": "box", "decision": "bonus", "lower": 5.0, "upper": 1.0},
            "limits that exclude one another",
            "constraints[1] (box): at least 5 and at most 1",
        ),
        (
            {"type": "total", "of": ["bonus"], "by": "region", "at_least": 5.0, "at_most": {"north": 1.0, "south": 9}},
            "limits that exclude one another",
            "constraints[1] (total) of north: at least 5 and at most 1",
        ),
        (
            {"type": "total", "of": ["bonus"], "at_most": {"north": 1.0}},
            "limits by label without a dim",
            "constraints[1] (total): at_most has a number by label, and no dim is named",
        ),
    ],
)
def test_029_a_constraint_that_cannot_be_meant_is_named(keys, subject, detail):
    (fault,) = definition_faults({**FORECAST, "constraints": [keys]})
    assert (fault.code, fault.subject, fault.details) == ("029", subject, (detail,))


def test_029_an_unknown_node_in_a_constraint_is_a_whole_message():
    assert constraint(type="ratio", numerator="revenu", denominator="rides", at_least=3.1) == (
        "CAUSAL-029 unknown node\n"
        "  constraints[1] (ratio) names revenu; did you mean revenue?\n"
        "  fix: nodes: hours, sessions, rides, revenue, price_paid, all_rides, cancelled, support_calls, bonus, price, "
        "holiday\n"
        "  more: docs/errors.md#causal-029"
    )


def test_the_example_of_the_page_is_valid():
    page = (ROOT / "docs" / "forecast_definition.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert definition_faults(yaml.safe_load(example)["forecast"]) == []


def test_the_page_names_every_key_and_every_type():
    page = (ROOT / "docs" / "forecast_definition.md").read_text()
    named = set(re.findall(r"`([a-z_]+)`", page))
    assert set(Forecast.model_fields) - named == set()
    kinds = get_args(get_args(Known)[0])
    types = {kind.model_fields["type"].annotation.__args__[0] for kind in kinds}
    assert types - named == {"import"}  # which is written as the path itself
