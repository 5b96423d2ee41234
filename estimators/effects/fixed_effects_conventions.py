"""Small-sample factors of covariances with fixed effects, under the names of the packages that use them.

fixest (and pyfixest): (n - 1)/(n - K) · G/(G - 1), where K leaves out effects nested within the clusters and, of two
ways, G is the smaller number of clusters; Student's t with G - 1 degrees of freedom.
linearmodels (PanelOLS, debiased): n/(n - K) with every effect counted, unless there is a single one and it is nested
within the clusters; Student's t with n - K degrees of freedom, all effects counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from estimators.errors import refuse

Covariance = Literal["cluster", "robust", "unadjusted"]
Convention = Literal["fixest", "linearmodels"]
CONVENTIONS = ("fixest", "linearmodels")
COVARIANCES = ("cluster", "robust", "unadjusted")
_LABELS = {"cluster": "CRV1", "robust": "HC1", "unadjusted": "unadjusted"}


@dataclass(frozen=True)
class Size:
    """n_rows; n_regressors without an intercept; levels: number of levels of each fixed effect, by its name.

    nested: the effects whose levels each lie within one cluster.  n_clusters: the smaller number of clusters.
    """

    n_rows: int
    n_regressors: int
    levels: Mapping[str, int]
    nested: Collection[str] = ()
    n_clusters: int = 0

    @property
    def n_effects(self) -> int:
        """Parameters of the fixed effects; of every effect after the first, one level is redundant."""
        return sum(self.levels.values()) - max(len(self.levels) - 1, 0)

    @property
    def all_parameters(self) -> int:
        return self.n_regressors + (self.n_effects if self.levels else 1)


def small_sample(size: Size, cov: Covariance, convention: Convention) -> tuple[float, float]:
    """The factor of the covariance (unadjusted: of the residual sum of squares), and the degrees of freedom.

    Raises CausalError 023 if there are no more rows than parameters.
    """
    n, left = size.n_rows, size.n_rows - size.all_parameters
    if left <= 0:
        detail = f"{n:,} rows for {size.all_parameters:,} coefficients, fixed effects included"
        raise refuse("023", "no degrees of freedom", detail, fix="use fewer effects or covariates, or more periods")
    if cov == "unadjusted":
        return 1.0 / left, float(left)
    if cov == "robust":
        return n / left, float(left)
    if convention == "linearmodels":
        is_nested = len(size.levels) == 1 and set(size.levels) <= set(size.nested)
        return n / (n - size.n_regressors if is_nested else left), float(left)
    counted = size.all_parameters - sum(size.levels[e] for e in size.nested) + len(size.nested)
    g = size.n_clusters
    return (n - 1) / (n - counted) * g / (g - 1), float(g - 1)


def label(cov: Covariance, convention: Convention, clusters: Collection[str]) -> str:
    """How the standard error was made, e.g. ``CRV1 (fixest) by unit and month``."""
    by = f" by {' and '.join(clusters)}" if cov == "cluster" else ""
    return f"{_LABELS[cov]} ({convention}){by}"
