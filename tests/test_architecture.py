"""The rules of the house that a machine can check: who may import whom, how big things get, what is never committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.source_tree import (
    ROOT,
    files,
    functions,
    imported_modules,
    n_lines,
    project_files,
    text,
    tree,
)

# who (a folder) may never import what (a module and everything below it)
FORBIDDEN_IMPORTS = [
    ("estimators", ("dbt", "dbt_causal")),
    ("estimators/warehouse", ("estimators.effects", "estimators.checks", "estimators.study", "estimators.analysis")),
    ("estimators/effects", ("estimators.checks", "estimators.analysis")),
    ("estimators/checks", ("estimators.analysis",)),
    ("estimators/forecast/labels", ("estimators.forecast.modules", "estimators.forecast.collection")),
    ("estimators/forecast/modules", ("estimators.forecast.losses", "estimators.forecast.training")),
]
# what of the library the forecaster may see: frames go in and out of it, and it knows nothing of studies
SEEN_BY_THE_FORECASTER = {"estimators.errors", "estimators.draws", "estimators.forecast"}
SEEN_BY_THE_FORECASTER |= {"estimators.definition_faults", "estimators.definition_parts"}  # what definitions share
HEAVY_FOR_THE_LIBRARY = {"torch", "tensorflow", "pyspark", "sklearn", "statsmodels", "linearmodels", "dbt"}
HEAVY_FOR_DBT = HEAVY_FOR_THE_LIBRARY - {"dbt"} | {"pandas", "numpy", "scipy", "duckdb"}
OPTIONAL = {"torch", "tensorflow", "pyspark", "tfcausalimpact", "streamlit", "doubleml"}
TEXT_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".md", ".toml", ".json", ".sh", ".cfg", ".txt", ""}
MACHINE_PATH = re.compile("/(" + "|".join(("tmp", "root", "work", "home", "farm", "Users")) + r")/[A-Za-z0-9_]")
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")


def loaded_by(module: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after importing `module`."""
    code = f"import sys, {module}; print(' '.join({{m.split('.')[0] for m in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(("folder", "modules"), FORBIDDEN_IMPORTS)
def test_imports_go_in_one_direction(folder, modules):
    wrong = {
        f"{path} imports {name}"
        for path in files(".py", folder)
        for name in imported_modules(path)
        if any(name == module or name.startswith(f"{module}.") for module in modules)
    }
    assert wrong == set()


def test_the_forecaster_sees_nothing_of_the_rest_of_the_library():
    wrong = {
        f"{path} imports {name}"
        for path in files(".py", "estimators/forecast")
        for name in imported_modules(path)
        if name.split(".")[0] == "estimators" and name != "estimators"
        if not any(name == seen or name.startswith(f"{seen}.") for seen in SEEN_BY_THE_FORECASTER)
    }
    assert wrong == set()


def test_in_the_library_only_the_forecaster_imports_torch():
    wrong = {
        str(path)
        for path in files(".py", "estimators")
        if Path("estimators/forecast") not in path.parents
        if "torch" in {name.split(".")[0] for name in imported_modules(path)}
    }
    assert wrong == set()


@pytest.mark.parametrize("module", ["estimators.forecast", "estimators.forecast.collection"])
def test_the_forecaster_loads_nothing_heavy_but_torch(module):
    usual = loaded_by("torch")
    assert (loaded_by(module) - usual) & (HEAVY_FOR_THE_LIBRARY | {"pandas", "scipy"}) == set()


def test_the_forecaster_does_not_load_torchs_compiler():
    code = "import sys, estimators.forecast.declared.build; print('torch._dynamo' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_the_names_of_the_forecaster_are_loaded_on_first_use():
    assert loaded_by("estimators.forecast") & HEAVY_FOR_THE_LIBRARY == set()


def test_only_the_warehouse_knows_an_engine():
    engines = {"duckdb", "pyspark"}
    wrong = {
        f"{path} imports {name}"
        for path in files(".py", "estimators")
        if Path("estimators/warehouse") not in path.parents
        for name in imported_modules(path)
        if name.split(".")[0] in engines
    }
    assert wrong == set()


def test_nothing_refers_to_the_example_project():
    folders = ("estimators", "dbt_causal", "macros", "models", "python_models")
    mentions = re.compile(r"dbt_project(?!\.ya?ml|_)")
    wrong = [str(p) for s in (".py", ".sql", ".yml") for p in files(s, *folders) if mentions.search(text(p))]
    assert wrong == []


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("estimators") & HEAVY_FOR_THE_LIBRARY == set()


def test_the_module_that_dbt_imports_is_light():
    assert loaded_by("dbt_causal") & HEAVY_FOR_DBT == set()


def test_the_base_install_needs_no_optional_engine():
    project = tomllib.loads(text(Path("pyproject.toml")))["project"]
    names = {re.split(r"[^A-Za-z0-9_.-]", need)[0].lower() for need in project["dependencies"]}
    assert names & OPTIONAL == set()


def test_the_core_environment_is_locked_without_optional_engines():
    locked = {line.split("==")[0] for line in text(Path("constraints/core.txt")).splitlines() if "==" in line}
    assert locked & (OPTIONAL - {"doubleml"}) == set()


@pytest.mark.parametrize("environment", ["core", "forecast", "all"])
def test_a_locked_environment_pins_versions_and_nothing_else(environment):
    lines = [line for line in text(Path(f"constraints/{environment}.txt")).splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.]+", line)] == []


@pytest.mark.parametrize(
    ("environment", "extras"),
    [("core", ("dev", "oracles")), ("forecast", ("dev", "oracles", "forecast")), ("all", None)],
)
def test_a_locked_environment_pins_every_dependency(environment, extras):
    project = tomllib.loads(text(Path("pyproject.toml")))["project"]
    optional = project["optional-dependencies"]
    needs = [*project["dependencies"], *(need for extra in extras or optional for need in optional[extra])]
    names = {re.split(r"[^A-Za-z0-9_.-]", need)[0].lower().replace("_", "-") for need in needs}
    locked = {line.split("==")[0] for line in text(Path(f"constraints/{environment}.txt")).splitlines()}
    assert names - locked == set()


def test_no_locked_environment_has_cuda_packages():
    locked = text(Path("constraints/core.txt")) + text(Path("constraints/all.txt"))
    assert re.findall(r"^(?:nvidia|cuda)-.*", locked, re.MULTILINE) == []


@pytest.mark.parametrize(("suffix", "limit"), [(".py", 400), (".sql", 120)])
def test_files_stay_small(suffix, limit):
    long = [f"{path}: {n} lines" for path in files(suffix) if (n := len(text(path).splitlines())) > limit]
    assert long == []


def test_functions_stay_small():
    long = [
        f"{path}:{node.lineno} {node.name}: {n_lines(node)} lines"
        for path in files(".py")
        for node in functions(path)
        if n_lines(node) > 60
    ]
    assert long == []


@pytest.mark.parametrize("folder", ["estimators", "dbt_causal"])
def test_most_functions_are_short(folder):
    lengths = [n_lines(node) for path in files(".py", folder) for node in functions(path)]
    assert median(lengths) <= 12
    assert quantiles(lengths, n=20)[-1] <= 40


def test_macros_take_at_most_five_arguments():
    head = re.compile(r"{%-?\s*macro\s+(\w+)\s*\(([^)]*)\)")
    many = [
        f"{path} {name}"
        for path in files(".sql", "macros")
        for name, arguments in head.findall(text(path))
        if arguments.count(",") + 1 > 5
    ]
    assert many == []


def test_no_exception_is_swallowed():
    wrong = [
        f"{path}:{node.lineno}"
        for path in files(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or isinstance(node.body[0], ast.Pass))
    ]
    assert wrong == []


@pytest.mark.parametrize("pattern", [MACHINE_PATH, UNFINISHED], ids=["paths of one machine", "unfinished work"])
def test_committed_files_are_free_of(pattern):
    wrong = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in project_files()
        if path.suffix in TEXT_SUFFIXES and path != Path("LICENSE") and Path("tests/data") not in path.parents
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert wrong == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(path)
        for path in files(".py", "estimators", "dbt_causal", "benchmarks")
        if "python_models" not in path.parts and ast.get_docstring(tree(path)) is None
    ]
    assert silent == []


def test_a_forbidden_import_is_seen_wherever_it_stands(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.source_tree.ROOT", tmp_path)
    (tmp_path / "estimators").mkdir()
    (tmp_path / "estimators/late.py").write_text("def f():\n    from dbt.cli import main\n    from . import checks\n")
    seen = imported_modules(Path("estimators/late.py"))
    assert {"dbt.cli", "dbt.cli.main", "estimators.checks"} <= seen
