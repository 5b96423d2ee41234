"""One error with a stable code, said the same way in a check row, a terminal and a traceback.

Codes and their pages stand in docs/errors.md; `BAD_INPUTS` rows there are the contract that the tests hold us to.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_LINES = 6  # of a message, its first line and the pointer to the docs included


@dataclass(frozen=True)
class Fault:
    """What is wrong with an input, in the four parts of every message of this project.

    code: three digits, e.g. ``"014"``.  subject: a few words (``no overlap``).  details: the figures, one line each.
    fix: the next step.  where: ``file:line`` of the study definition, if there is one.
    """

    code: str
    subject: str
    details: tuple[str, ...] = ()
    fix: str = ""
    where: str = ""

    def __str__(self) -> str:
        head = f"CAUSAL-{self.code} {self.subject}"
        lines = [f"{head}  {self.where}" if self.where else head]
        lines += [f"  {line}" for line in _few(self.details, MOST_LINES - 2 - bool(self.fix))]
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        lines.append(f"  more: docs/errors.md#causal-{self.code}")
        return "\n".join(lines)

    def on_one_line(self) -> str:
        """The same message for a cell of a table: no line breaks and no pointer to the docs."""
        parts = [self.subject, *self.details]
        return "; ".join(parts) + (f"; fix: {self.fix}" if self.fix else "")


def _few(lines: tuple[str, ...], most: int) -> list[str]:
    """The first lines, and how many more there are, in at most this many lines."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"and {len(lines) - most + 1:,} more"]


class CausalError(Exception):
    """Raised when an estimator is called from Python with input that it must refuse.

    In a dbt study the same faults never raise: `estimators.analyse` turns them into check rows with status ``fail``.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))

    @property
    def code(self) -> str:
        return self.faults[0].code


def refuse(code: str, subject: str, *details: str, fix: str = "") -> CausalError:
    """Shorthand for ``raise refuse("012", ...)``: one fault, as an error to raise."""
    return CausalError(Fault(code, subject, details, fix))
