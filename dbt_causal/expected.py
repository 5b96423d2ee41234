"""Accepts a build whose only failures are the tests named beforehand: ``python -m dbt_causal.expected --only <test>``.

`dbt build` of a project with a blocked study ends with status 1, on purpose. Continuous integration must tell that
apart from everything else that can go wrong. It compares names: one more failing test, one test that no longer fails,
a model that raised or a node that was skipped, and the build is not what was expected.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

EXIT_EXPECTED, EXIT_UNEXPECTED, EXIT_NOT_READABLE = 0, 1, 2
GOOD = frozenset({"success", "pass", "warn", "no-op"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 exactly the named tests failed, 1 anything else did (by name), 2 there are no results to read."""
    options = _parser().parse_args(arguments)
    path = options.project_dir / "target" / "run_results.json" if options.run_results is None else options.run_results
    try:
        results = json.loads(path.read_text())["results"]
    except (OSError, ValueError, KeyError):
        print(f"no readable results of a build at {path}\n  fix: run dbt build first", file=sys.stderr)
        return EXIT_NOT_READABLE
    complaints = deviations(results, options.only)
    for line in complaints:
        print(line, file=sys.stderr)
    if not complaints:
        print(f"{len(results)} nodes; failed as expected: {', '.join(options.only) or 'nothing'}")
    return EXIT_UNEXPECTED if complaints else EXIT_EXPECTED


def deviations(results: Iterable[Mapping[str, Any]], expected: Sequence[str]) -> list[str]:
    """One line for each node that did not end as expected, and for each expected failure that did not happen.

    results: those of dbt's run_results.json.  expected: names of tests; a name stands for the one test that carries it,
    also in dbt's longer form (``has_passed_gates_x`` for ``causal_has_passed_gates_x__published_``).
    """
    bad = {r["unique_id"]: r for r in results if r["status"] not in GOOD}
    failed = {i for i, r in bad.items() if r["status"] == "fail"}
    wanted = {name: {i for i in failed if is_named(i, name)} for name in expected}
    allowed = {i for found in wanted.values() if len(found) == 1 for i in found}
    unexpected = [f"not expected: {i} ended with {r['status']}" for i, r in sorted(bad.items()) if i not in allowed]
    missing = [f"expected to fail, but did not: {name}" for name, found in wanted.items() if not found]
    unclear = [f"more than one failed test is named {name}" for name, found in wanted.items() if len(found) > 1]
    return unexpected + missing + unclear


def is_named(unique_id: str, name: str) -> bool:
    """Whether dbt's ``test.<project>.<name>.<hash>`` is the test `name`, with or without what dbt adds to a name."""
    parts = unique_id.split(".")
    if parts[0] != "test" or len(parts) < 3:
        return False
    return parts[2] == name or parts[2] == f"causal_{name}__published_"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dbt_causal.expected", description=__doc__.split("\n")[0])
    parser.add_argument("--project-dir", type=Path, default=Path(), help="the dbt project that was built")
    parser.add_argument("--run-results", type=Path, help="run_results.json, if it is not in target/ of the project")
    parser.add_argument("--only", nargs="*", default=[], metavar="TEST", help="names of the tests that fail on purpose")
    return parser


if __name__ == "__main__":
    sys.exit(main())
