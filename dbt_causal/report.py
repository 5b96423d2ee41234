"""What is published as text: the effects of each study with its checks, blocked ones with the reason; plans. Read from
a results file, or from the published views on Spark.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

EXIT_FAULT = 2
WIDTH = 120
_MARKS = {"pass": "ok", "warn": "warn", "fail": "FAIL", "not_evaluated": "not evaluated"}
_EFFECTS = """
    select study_id, status, tier, is_headline, method, estimand, outcome, coalesce(segment, '') as segment,
        estimate, std_error, ci_lower, ci_upper, p_value_adjusted, n_units, reason
    from published_effects
    order by study_id, is_headline desc nulls last, outcome, segment, method, estimand
"""
_CHECKS = """
    select study_id, check_name, status, coalesce(method, '') as method, coalesce(outcome, '') as outcome, is_gate,
        coalesce(reason, '') as reason
    from checks
    order by study_id, check_name, method, outcome
"""


def print_report(database: Path) -> int:
    """Prints the report; status 2 with a message when there is no results file."""
    file = results_file(database)
    if file is None:
        from estimators.errors import Fault

        details = (f"{database} has no results file beside it",)
        fix = "run dbt build first; it ends with the node causal.publication, which writes <name>_results.duckdb"
        print(Fault("032", "no results file", details, fix), file=sys.stderr)
        return EXIT_FAULT
    print(report(file))
    return 0


def results_file(database: Path) -> Path | None:
    """`database` itself if it is a results file, else the one beside it; None if neither exists."""
    beside = database.with_name(f"{database.stem}_results.duckdb")
    for file in (beside, database):
        if file.is_file() and file.stem.endswith("_results"):
            return file
    return None


def report(file: Path) -> str:
    """The whole report as text, at most 120 characters wide. `file`: a results file."""
    import duckdb

    with duckdb.connect(str(file), read_only=True) as connection:
        return report_of(connection, str(file))


def report_of(connection: Any, place: str) -> str:
    """The report of the tables of a DuckDB connection. place: where they are from, for the last line."""
    effects = _records(connection, _EFFECTS)
    checks = _records(connection, _CHECKS)
    tables = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
    forecasts = _forecasts(connection) if "dim_forecasts" in tables else []
    studies = dict.fromkeys(e["study_id"] for e in effects)
    parts = [_study(s, _of(s, effects), _of(s, checks)) for s in studies] or ["no studies are listed"]
    parts += forecasts
    parts.append(f"tables in {place}: {', '.join(tables)}")
    return "\n\n".join(parts)


def _forecasts(connection: Any) -> list[str]:
    """Sections on the forecasts and their plans."""
    from dbt_causal.report_plans import forecast_sections

    return forecast_sections(lambda query: _records(connection, query), _check_lines, _wrapped, _number)


def _records(connection: Any, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _of(study: str, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in records if r["study_id"] == study]


def _study(study: str, effects: list[dict[str, Any]], checks: list[dict[str, Any]]) -> str:
    status, tier = effects[0]["status"], effects[0]["tier"]
    lines = [f"{study}: {status}" + (f" ({tier})" if tier and status == "published" else "")]
    if status == "published":
        lines += _table([_effect_row(e) for e in effects])
    elif effects[0]["reason"]:
        lines += _wrapped(f"why: {effects[0]['reason']}")
    return "\n".join([*lines, *_check_lines(checks)])


def _effect_row(effect: dict[str, Any]) -> tuple[str, ...]:
    where = effect["outcome"] + (f" [{effect['segment']}]" if effect["segment"] else "")
    return (
        "*" if effect["is_headline"] else "",
        where,
        f"{effect['estimand']} by {effect['method']}",
        _number(effect["estimate"]),
        f"({_number(effect['std_error'])})",
        f"95 % [{_number(effect['ci_lower'])}, {_number(effect['ci_upper'])}]",
        _p_value(effect["p_value_adjusted"]),
        f"{effect['n_units']:,} units" if effect["n_units"] is not None else "",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "withheld"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _check_lines(checks: list[dict[str, Any]]) -> list[str]:
    """Passed checks by name, every other one in a line of its own."""
    passed = list(dict.fromkeys(c["check_name"] for c in checks if c["status"] == "pass"))
    lines = _wrapped(f"passed: {', '.join(passed)}") if passed else []
    for check in (c for c in checks if c["status"] != "pass"):
        name = " ".join(n for n in (check["check_name"], check["method"], check["outcome"]) if n)
        lines += _wrapped(f"{_MARKS[check['status']]}: {name}: {check['reason']}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="      ")


def _p_value(value: float | None) -> str:
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p {value:.3f}"
