"""Rolling origins: where the history is cut, and which periods are forecast from there."""

from __future__ import annotations

from dataclasses import dataclass

from estimators.errors import refuse


@dataclass(frozen=True)
class Origin:
    """One cut. Periods ``0 .. cut - 1`` are known, periods ``cut .. cut + horizon - 1`` are forecast and scored."""

    number: int
    cut: int
    horizon: int

    @property
    def test(self) -> slice:
        return slice(self.cut, self.cut + self.horizon)


def rolling_origins(
    n_periods: int, *, origins: int, horizon: int, step: int | None = None, minimum: int = 2
) -> tuple[Origin, ...]:
    """The last `origins` cuts of a history of `n_periods`, `step` periods apart (default: the horizon), oldest first.

    The last one ends with the history, so every scored period has been observed. Every cut trains on the periods before
    it and on nothing else (Tashman 2000, rolling-origin evaluation). Raises CausalError 029 if the oldest cut would
    leave fewer than `minimum` periods to train on.
    """
    if min(origins, horizon) < 1 or (step is not None and step < 1):
        raise refuse(
            "029",
            "a backtest without origins",
            f"origins = {origins}, horizon = {horizon}, step = {step}: each must be at least 1",
            fix="give whole numbers of at least 1",
        )
    step = horizon if step is None else step
    first = n_periods - horizon - (origins - 1) * step
    if first < minimum:
        raise refuse(
            "029",
            "a history too short for this backtest",
            f"{origins} origins, {step} apart with horizon {horizon}, "
            f"leave {max(first, 0)} of {n_periods} periods to train on",
            f"at least {minimum} are needed at the oldest origin",
            fix="fewer origins, a shorter horizon, or a longer history",
        )
    return tuple(Origin(number + 1, first + number * step, horizon) for number in range(origins))
