"""What of each table is published, as one query that DuckDB and Spark both read."""

from __future__ import annotations

from collections.abc import Sequence


def shown(name: str, columns: Sequence[str]) -> str:
    """The query over the relation `name` with these columns whose rows are published.

    The ledger keeps what a run published at the time. Once a study is stale or blocked its figures are withheld here
    too; the row's hash covers the payload by payload_hash, so that the copy can still be verified.
    """
    if name != "ledger":
        return f"select * from {name}"
    withheld = "case when shown.study_id is not null then ledger.payload end as payload"
    items = (withheld if column == "payload" else f"ledger.{column}" for column in columns)
    return f"""
        select {", ".join(items)}
        from ledger
        left join (
            select distinct study_id, definition_hash from published_effects where status = 'published'
        ) as shown on shown.study_id = ledger.study_id and shown.definition_hash = ledger.definition_hash
        order by ledger.link, ledger.study_id, ledger.row_hash
    """
