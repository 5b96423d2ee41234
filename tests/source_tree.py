"""The project's own files as the tests of its architecture read them."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GENERATED = {"dbt_packages", "target", "logs", "build", "__pycache__"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed, relative to the root; without git, every file not generated."""
    try:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        found = {Path(name) for name in listed}
    except (OSError, subprocess.CalledProcessError):
        found = {path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()}
    return tuple(sorted(p for p in found if (ROOT / p).is_file() and not is_generated(p)))


def is_generated(path: Path) -> bool:
    return any(part in GENERATED or (part.startswith(".") and part != ".ci") for part in path.parts[:-1])


def files(suffix: str, *folders: str) -> list[Path]:
    """Files that end in `suffix`, below one of `folders` (or anywhere)."""
    below = [Path(folder) for folder in folders]
    return [p for p in project_files() if p.suffix == suffix and (not below or any(b in p.parents for b in below))]


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function; relative imports made absolute.

    ``from estimators.warehouse import duckdb`` counts as both ``estimators.warehouse`` and
    ``estimators.warehouse.duckdb``.
    """
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.parts[: len(path.parent.parts) - node.level + 1] if node.level else ()
            module = ".".join([*package, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def n_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
