"""Compares what two builds of one project published, table by table: on DuckDB and on Spark.

``python -m tests.spark.compare <folder> <folder>``: parquet files that `tests.spark.build` exported from each.
Every number must agree to 1e-8 of itself (or of the standard error beside it), texts and statuses to the letter. What
must differ between two builds (run ids, times, links of the chain) is left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tests.spark.sameness import differences

OF_ONE_BUILD = {
    *("run_id", "logged_by", "logged_at", "decided_at", "publication_id", "git_commit"),
    *("data_fingerprint", "estimate_hash", "row_hash", "payload_hash", "chain", "previous_chain"),
}
JSON_COLUMNS = {"diagnostics", "payload", "details"}
KEYS = (
    *("study_id", "record", "check_name", "method", "estimand", "population", "outcome", "segment", "role"),
    *("feature_name", "model_name", "column_name", "covariate", "arm", "bin", "level", "label", "group_name"),
    *("unit_id", "series_id", "unit", "relative_period", "period", "cohort", "kind", "name", "benchmark", "parameter"),
    *("forecast_id", "step", "stage", "term", "node", "wrt", "cell", "horizon", "origin", "metric", "decisions"),
    *("lever", "experiment", "candidate", "constraint_name", "change", "module", "series"),
)


def export(session: Any, schema: str, folder: Path) -> list[str]:
    """Writes every published view of `schema` on Spark as a parquet file of `folder`; returns their names."""
    rows = session.sql(f"show views in {schema}").collect()
    names = [row["viewName"] for row in rows if row["viewName"] != "current_publication" and not row["isTemporary"]]
    for name in names:
        export_table(session, f"{schema}.{name}", folder)
    return names


def export_table(session: Any, relation: str, folder: Path) -> None:
    """Writes one relation of Spark as a parquet file of `folder`, by Arrow: a pandas frame loses integers to nulls."""
    from pyarrow.parquet import write_table

    folder.mkdir(parents=True, exist_ok=True)
    write_table(session.table(relation).toArrow(), folder / f"{relation.split('.')[-1]}.parquet")


def published_on_duckdb(file: Path) -> dict[str, pd.DataFrame]:
    """The tables of a results file."""
    import duckdb

    with duckdb.connect(str(file), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]
        return {name: connection.execute(f"select * from {name}").df() for name in names}


def tables_in(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables that `export` wrote."""
    return {file.stem: pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}


def deviations(found: Mapping[str, pd.DataFrame], wanted: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """One line for each table, row or value in which `found` is not `wanted`."""
    for name in sorted(set(found) ^ set(wanted)):
        yield f"{name}: on one side only"
    for name in sorted(set(found) & set(wanted)):
        yield from (f"{name}: {line}" for line in _of_tables(found[name], wanted[name]))


def _of_tables(found: pd.DataFrame, wanted: pd.DataFrame) -> Iterator[str]:
    columns = [c for c in wanted.columns if c not in OF_ONE_BUILD]
    if set(columns) != {c for c in found.columns if c not in OF_ONE_BUILD}:
        yield f"columns {sorted(set(found.columns) ^ set(wanted.columns))} on one side only"
        return
    pairs = zip(_rows(found, columns), _rows(wanted, columns), strict=False)
    if len(found) != len(wanted):
        yield f"{len(found)} rows, wanted {len(wanted)}"
        return
    for (key, row), (wanted_key, wanted_row) in pairs:
        if key != wanted_key:
            yield f"row {key}, wanted {wanted_key}"
            return
        yield from (f"{'/'.join(k for k in key if k)}: {line}" for line in differences(row, wanted_row))


def _rows(frame: pd.DataFrame, columns: list[str]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    keys = [c for c in KEYS if c in columns]
    rows = [{c: _value(c, v) for c, v in record.items()} for record in frame[columns].to_dict("records")]
    return sorted(((tuple(_text(row[c]) for c in keys), row) for row in rows), key=lambda pair: (pair[0], str(pair[1])))


def _value(column: str, value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.tz_localize(None)
    if column in JSON_COLUMNS and isinstance(value, str):
        return json.loads(value)
    if not isinstance(value, list | dict) and pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _text(value: Any) -> str:
    """Of a key. Numbers to six digits: an integer beside nulls is a double on one side, and last digits differ."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def main(arguments: list[str]) -> int:
    """Exit status 1 if anything differs, each deviation in a line."""
    lines = list(deviations(tables_in(Path(arguments[0])), tables_in(Path(arguments[1]))))
    for line in lines[:100]:
        print(line)
    print(f"{len(lines)} deviations" if lines else "the same numbers on both engines")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
