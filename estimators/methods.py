"""The designs that a study asks for: from the definition's options to each method's first stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from estimators.effects.aipw import aipw_design
from estimators.effects.cem import cem_design
from estimators.effects.difference import difference_design
from estimators.effects.iv import iv_design
from estimators.effects.method import Design, Spec
from estimators.study import Method
from estimators.study_table import StudyTable

_DESIGNS = {"difference": difference_design, "cem": cem_design, "aipw": aipw_design, "iv": iv_design}


def design(table: StudyTable, method: Method, seed: str) -> Design:
    """The first stage of one method on the study table: reads treatment and covariates, never an outcome.

    Raises CausalError for faults of the data that the method cannot take.
    """
    spec = _spec(table, table.covariates, _options(table, method), seed)
    spec = replace(spec, estimand=table.study.estimand_of(method))
    return _DESIGNS[method.name](table.relation, spec)


def raw_comparison(table: StudyTable, seed: str) -> Design:
    """The unadjusted difference in means: what a study that ignores confounding would report."""
    return difference_design(table.relation, _spec(table, (), {}, seed))


def _spec(table: StudyTable, covariates: tuple[str, ...], options: dict[str, Any], seed: str) -> Spec:
    return Spec(
        treatment="treatment",
        covariates=covariates,
        estimand="ATE" if table.study.estimand == "LATE" else table.study.estimand,
        cluster=table.cluster if table.study.cluster else None,
        weights=table.weights,
        unit="unit_id",
        seed=seed,
        options=options,
    )


def _options(table: StudyTable, method: Method) -> dict[str, Any]:
    """Options as the estimator takes them: confounders by column, nuisances as the outcomes' kinds ask."""
    options = method.options()
    if method.name == "cem":
        # By column; covariates dropped as collinear are gone, those of a placebo in time have a prefix of their own.
        names = {c: c.removeprefix("shifted_").removeprefix("covariate_") for c in table.covariates}
        options["cutpoints"] = {c: tuple(method.cutpoints[n]) for c, n in names.items() if n in method.cutpoints}
        options["exact"] = tuple(c for c, n in names.items() if n in method.exact)
    if method.name == "aipw":
        options.setdefault("outcome_model", "auto")
    if method.name == "iv":
        options["instruments"] = table.instruments
    return {**options, "max_levels": table.study.max_levels}
