"""What instrumental variables ask of their columns: faults of a definition first, then those of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estimators.effects.inputs import Inputs, require_valid
from estimators.effects.method import Spec
from estimators.errors import refuse
from estimators.warehouse import Relation

ESTIMANDS = ("LATE",)
_CHOICES = {"estimator": ("2sls", "liml"), "cov": ("robust", "unadjusted")}


def with_defaults(spec: Spec) -> Spec:
    """The spec with every option set. Raises CausalError 001 for options that do not exist or contradict each other."""
    defaults = {"instruments": (), "estimator": "2sls", "cov": "robust", "max_levels": 50, "minimum_effective_f": 10.0}
    options = {**defaults, **spec.options}
    options["instruments"] = tuple(dict.fromkeys(options["instruments"]))
    for option, known in _CHOICES.items():
        if options[option] not in known:
            raise refuse("001", f"unknown {option}", f"got {options[option]}", fix=f"choose {' or '.join(known)}")
    if spec.estimand not in ESTIMANDS:
        fix = "declare estimand: LATE; the effect on everybody needs another method"
        raise refuse("001", "estimand not available", f"iv estimates LATE; got {spec.estimand}", fix=fix)
    if spec.cluster and options["cov"] == "unadjusted":
        raise refuse("001", "clusters without robust errors", "cov is unadjusted", fix="leave out one of the two")
    return replace(spec, options=options)


def require_instruments(relation: Relation, spec: Spec, outcomes: Sequence[str] = ()) -> Inputs:
    """`require_valid` with the instruments beside the covariates; the treatment may be any number.

    Raises CausalError as that does, and 025 for instruments that are missing, constant, or in another role.
    """
    instruments = spec.options["instruments"]
    if not instruments:
        raise refuse(
            "025", "no instrument", "instruments is empty", fix="name what moves the treatment and nothing else"
        )
    roles = {"the treatment": [spec.treatment], "an outcome": outcomes, "a covariate": spec.covariates}
    for role, columns in roles.items():
        both = [c for c in instruments if c in columns]
        if both:
            detail = f"{', '.join(both)} is {role} as well"
            fix = "an instrument moves the treatment and has no other part in the outcome; give it one role"
            raise refuse("025", f"instrument is {role}", detail, fix=fix)
    inputs = require_valid(
        relation, spec.treatment, outcomes, (*spec.covariates, *instruments), spec.cluster, spec.weights,
        spec.options["max_levels"], is_binary=False,
    )  # fmt: skip
    constant = inputs.constant(instruments)
    if constant:
        detail = f"{', '.join(constant)} has one value in {inputs.n_units:,} rows"
        raise refuse("025", "constant instrument", detail, fix="leave it out: it moves nothing")
    constant = inputs.constant(outcomes)
    if constant:
        raise refuse("028", "outcome does not vary", *constant, fix="choose an outcome that varies")
    constant = inputs.constant(spec.covariates)
    if constant:
        raise refuse("020", "constant confounder", *sorted(constant), fix="drop it: it cannot differ between the arms")
    n_parameters = len(spec.covariates) + len(instruments) + 2
    if inputs.n_units <= n_parameters:
        detail = f"{inputs.n_units:,} rows for {n_parameters:,} coefficients"
        raise refuse("023", "too few units", detail, fix="more units, or fewer covariates and instruments")
    return inputs
