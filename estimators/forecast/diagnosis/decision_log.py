"""The append-only log of plans, overrides, fallbacks and decisions really taken: without it there is no regret.

A row is one decision of one record: its lever, its cell, its value. Rows of one append form a link of a chain: the md5
of the chain before and of the sorted row hashes, made as the ledger of studies makes it (macros/ledger): a table that
SQL chained is verified here, and the other way round. An edit, a deletion or a row slipped in shows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from estimators.errors import CausalError, Fault, refuse

if TYPE_CHECKING:
    import pandas as pd

Record = Literal["plan", "override", "fallback", "taken"]
RECORDS = ("plan", "override", "fallback", "taken")
HASHED = (
    "forecast_id", "plan_id", "record", "lever", "cell", "value", "decided_by", "decided_at", "reason",
)  # fmt: skip
CHAIN = ("row_hash", "link", "previous_chain", "chain")
COLUMNS = (*HASHED, *CHAIN)  # all text but `link`, an integer; `value` is the shortest text of its double
_KEPT = "the log may only grow: restore it from the last copy whose chain is intact"


def decision_rows(
    decisions: Mapping[str, pd.DataFrame],
    record: Record,
    *,
    plan_id: str,
    forecast_id: str,
    decided_by: str,
    decided_at: str,
    reason: str | None = None,
) -> pd.DataFrame:
    """Rows of the log, columns `HASHED`, ready for `append_decisions`.

    decisions: by lever a frame with a column per dim and one `value`.  decided_at: ISO timestamp in UTC.
    reason: needed for an override or a fallback. Raises CausalError 029 with all that is wrong.
    """
    import pandas as pd

    said = {"forecast_id": forecast_id, "plan_id": plan_id, "decided_by": decided_by}
    faults = [*_said_faults(said, record, decided_at, reason), *_value_faults(decisions)]
    if faults:
        raise CausalError(*faults)
    shared = {**said, "record": record, "decided_at": decided_at, "reason": reason}
    rows = [
        {**shared, "lever": lever, "cell": cell, "value": value}
        for lever, frame in decisions.items()
        for cell, value in zip(_cells(frame), map(repr, frame["value"].astype(float).tolist()), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(HASHED), dtype=object)


def append_decisions(log: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """The log with `rows` as the next link of its chain; `log` itself, None before the first plan, is not changed.

    Raises CausalError 029 if the log was tampered with, if rows repeat a decision, or if they override or report a
    plan, lever or cell that was never logged.
    """
    import pandas as pd

    faults = [*verify_decisions(log), *_repeated(rows), *_not_planned(log, rows)]
    if faults:
        raise CausalError(*faults)
    link, chain = (0, "") if log is None or log.empty else _head(log)
    new = rows[list(HASHED)].astype(object).copy()
    new["row_hash"] = [_row_hash(row) for row in new.itertuples(index=False)]
    new["link"], new["previous_chain"] = link + 1, chain
    new["chain"] = _next_chain(chain, new["row_hash"])
    return new if log is None or log.empty else pd.concat([log, new], ignore_index=True)


def verify_decisions(log: pd.DataFrame | None, head: str | None = None) -> list[Fault]:
    """What shows that rows were edited, deleted or slipped in; empty when the chain is intact.

    head: the last `chain` as somebody else noted it, which also shows links missing from the end.
    """
    if log is None or log.empty:
        return [] if head is None else [_tampered("the log is empty", f"its last chain was {head}")]
    hashes = [_row_hash(row) for row in log[list(HASHED)].itertuples(index=False)]
    edited = sorted(
        {int(link) for link, old, new in zip(log["link"], log["row_hash"], hashes, strict=True) if old != new}
    )
    found = [_tampered("rows were edited", f"links {_listed(edited)}")] if edited else []
    broken = list(_broken_links(log))
    found += [_tampered("links do not follow from one another", f"links {_listed(broken)}")] if broken else []
    last = _head(log)[1]
    if head is not None and last != head:
        found.append(_tampered("the end of the log is not the one expected", f"last chain {last}, expected {head}"))
    return found


def decided(log: pd.DataFrame, plan_id: str) -> pd.DataFrame:
    """What was planned, what was ordered in the end and what was done: one row per lever and cell of a plan.

    Columns lever, cell, planned, ordered (after overrides and fallbacks, the latest counts), ordered_as (its record),
    reason, taken (NaN while it is not known). Raises CausalError 029 for a plan that is not in the log.
    """
    import pandas as pd

    own = log[log["plan_id"] == plan_id].assign(value=lambda rows: rows["value"].astype(float))
    if own.empty:
        raise refuse("029", "no such plan in the log", f"plan {plan_id}", fix="log the plan before it is looked up")
    keys = ["lever", "cell"]
    last = own.sort_values("link", kind="stable").drop_duplicates([*keys, "record"], keep="last")
    planned = last[last["record"] == "plan"].set_index(keys)["value"].rename("planned")
    taken = last[last["record"] == "taken"].set_index(keys)["value"].rename("taken")
    orders = last[last["record"] != "taken"].sort_values("link", kind="stable").drop_duplicates(keys, keep="last")
    ordered = orders.set_index(keys)[["value", "record", "reason"]]
    ordered = ordered.rename(columns={"value": "ordered", "record": "ordered_as"})
    return pd.concat([planned, ordered, taken], axis=1).reset_index()


def cell_text(labels: Mapping[str, Any]) -> str:
    """The labels of a cell as the text that the log holds: JSON with sorted keys, dates in ISO form."""
    plain = {str(dim): _label(label) for dim, label in labels.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _label(label: Any) -> Any:
    if isinstance(label, datetime):
        midnight = label.hour == label.minute == label.second == label.microsecond == 0
        return label.date().isoformat() if midnight else label.isoformat()
    if isinstance(label, date):
        return label.isoformat()
    return label.item() if hasattr(label, "item") else label


def _cells(frame: pd.DataFrame) -> list[str]:
    dims = [column for column in frame.columns if column != "value"]
    return [cell_text(dict(zip(dims, labels, strict=True))) for labels in zip(*(frame[d] for d in dims), strict=True)]


def _said_faults(said: Mapping[str, str], record: str, decided_at: str, reason: str | None) -> Iterator[Fault]:
    if record not in RECORDS:
        yield Fault("029", "unknown record", (f"record is {record!r}",), f"use one of {', '.join(RECORDS)}")
    unsaid = [name for name, value in said.items() if not isinstance(value, str) or not value.strip()]
    if unsaid:
        yield Fault("029", "entry of the log without an author", (f"empty: {', '.join(unsaid)}",), "fill them in")
    if record in ("override", "fallback") and not (reason or "").strip():
        fix = "say why the plan is not followed: reason=..."
        yield Fault("029", f"{record} without a reason", ("a plan is changed and nobody says why",), fix)
    if not _is_utc(decided_at):
        fix = 'write it as "2026-05-01T09:00:00Z"'
        yield Fault("029", "decided_at is not a UTC timestamp", (f"decided_at is {str(decided_at)[:40]!r}",), fix)


def _is_utc(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return moment.tzinfo is not None and moment.utcoffset() == UTC.utcoffset(None)


def _value_faults(decisions: Mapping[str, pd.DataFrame]) -> Iterator[Fault]:
    for lever, frame in decisions.items():
        if "value" not in frame.columns:
            yield Fault("029", "decisions without values", (f"{lever} has no column value",), "add it")
            continue
        broken = sum(not math.isfinite(v) for v in frame["value"].astype(float))
        if broken:
            detail = f"{lever}: {broken} of {len(frame)} values are missing or infinite"
            yield Fault("029", "decisions without values", (detail,), "log only what was decided")


def _repeated(rows: pd.DataFrame) -> Iterator[Fault]:
    keys = ["plan_id", "record", "lever", "cell"]
    twice = int(rows.duplicated(keys).sum())
    if twice:
        detail = f"{twice} of {len(rows)} rows repeat a lever and cell"
        yield Fault("029", "a decision logged twice at once", (detail,), "give each lever and cell one value")


def _not_planned(log: pd.DataFrame | None, rows: pd.DataFrame) -> Iterator[Fault]:
    later = rows[rows["record"] != "plan"]
    known = set() if log is None or log.empty else _planned(log)
    unknown = [key for key in _keys(later) if key not in known]
    if unknown:
        plan, lever, cell = unknown[0]
        detail = f"{len(unknown)} rows, the first of plan {plan}: {lever} at {cell}"
        yield Fault("029", "decision on what was never planned", (detail,), "log the plan first, with these cells")


def _planned(log: pd.DataFrame) -> set[tuple[str, str, str]]:
    return set(_keys(log[log["record"] == "plan"]))


def _keys(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    return zip(rows["plan_id"], rows["lever"], rows["cell"], strict=True)


def _broken_links(log: pd.DataFrame) -> Iterator[int]:
    chain, expected = "", 1
    for link, rows in log.groupby("link", sort=True):
        follows = set(rows["previous_chain"]) == {chain} and link == expected
        if not follows or set(rows["chain"]) != {_next_chain(chain, rows["row_hash"])}:
            yield int(link)
        chain, expected = str(rows["chain"].iloc[0]), int(link) + 1


def _head(log: pd.DataFrame) -> tuple[int, str]:
    last = log.loc[log["link"].astype(int).idxmax()]
    return int(last["link"]), str(last["chain"])


def _next_chain(chain: str, row_hashes: Iterable[str]) -> str:
    return _md5(chain + _md5("".join(sorted(row_hashes))))


def _row_hash(row: Iterable[Any]) -> str:
    return _md5("|".join("~" if _is_null(value) else f"={value}" for value in row))


def _is_null(value: Any) -> bool:
    return value is None or value != value


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _tampered(what: str, figures: str) -> Fault:
    return Fault("029", "decision log was tampered with", (what, figures), _KEPT)


def _listed(links: list[int]) -> str:
    shown = ", ".join(map(str, links[:8]))
    return shown if len(links) <= 8 else f"{shown} and {len(links) - 8} more"
