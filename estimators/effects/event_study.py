"""Effects by time since treatment with their joint covariance: what sensitivity to trends is judged from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimators.errors import refuse


@dataclass(frozen=True)
class EventStudy:
    """One outcome's coefficients relative to a reference period, which itself is not among them.

    relative_periods: (k,) ascending.  estimates: (k,).  covariance: (k, k).  reference: the relative period whose
    effect is 0 by construction; what lies before it is before treatment, what lies after it may carry an effect.
    """

    outcome: str
    relative_periods: tuple[float, ...]
    estimates: np.ndarray
    covariance: np.ndarray
    reference: float = -1.0

    @property
    def is_before(self) -> np.ndarray:
        return np.asarray(self.relative_periods) < self.reference

    @property
    def n_before(self) -> int:
        return int(self.is_before.sum())

    @property
    def n_after(self) -> int:
        return len(self.relative_periods) - self.n_before

    def require_contiguous(self) -> None:
        """Raises CausalError 026 if a period is missing between the first and the last, or either side is empty."""
        times = np.sort([*self.relative_periods, self.reference])
        if not self.n_before or not self.n_after:
            detail = f"{self.n_before} periods before the reference, {self.n_after} after it"
            raise refuse("026", "no trend to compare with", detail, fix="use a panel with two periods before treatment")
        if not np.allclose(np.diff(times), 1.0):
            detail = f"relative periods {', '.join(f'{t:g}' for t in times)} have gaps"
            raise refuse("026", "panel gaps", detail, fix="number the periods 1, 2, 3, ... without gaps")
