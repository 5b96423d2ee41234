"""Who the compliers are: covariate means of the units whose 0/1 treatment a 0/1 instrument decides.

For z̃, the instrument after regression on the covariates, the mean of x among compliers is Σ z̃ d x / Σ z̃ d: the 2SLS
coefficient of d with d·x as the outcome (Abadie 2003; Angrist and Pischke 2009, section 4.5.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from estimators.effects.iv import IvDesign
from estimators.errors import refuse
from estimators.warehouse.blocks import combinations


@dataclass(frozen=True)
class Complier:
    """Means of one covariate, or of one of its levels, among compliers and among all units, in its own units."""

    covariate: str
    mean_compliers: float
    mean_all: float


def compliers(design: IvDesign) -> tuple[Complier, ...]:
    """One row per covariate, and per level of a text but the first. One scan. Reads no outcome.

    Raises CausalError 001 unless treatment and the single instrument are 0/1.
    """
    stage, found = design.first_stage or design.read_first_stage(), design.products
    if stage.complier_share is None or found is None:
        fix = "ask only where treatment and the one instrument are 0/1"
        raise refuse("001", "compliers cannot be counted", "treatment or instrument is not 0/1", fix=fix)
    terms, spec = found.terms, design.spec
    rows = combinations(design.relation, terms, {"causal_i": found.residual_makers[0]})
    weight = f"{rows.double(rows.name(spec.weights))} * " if spec.weights else ""
    moved = f"{weight}causal_i * {rows.double(rows.name(spec.treatment))}"
    one = rows.number(1.0)
    values = {c: rows.double(rows.name(c)) for c in spec.covariates if c not in dict(terms.categories)}
    for column, levels in terms.categories:
        for level in levels[1:] if column in spec.covariates else ():
            values[f"{column} = {level}"] = (
                f"case when {rows.name(column)} = {rows.text(level)} then {one} else 0e0 end"
            )
    sums = {"moved": rows.total(moved), "n": rows.total(f"{weight}{one}")}
    for i, value in enumerate(values.values()):
        sums |= {f"m{i}": rows.total(f"{moved} * {value}"), f"a{i}": rows.total(f"{weight}{value}")}
    sums = {name: float(value[0]) for name, value in rows.aggregate(sums).items()}
    return tuple(
        Complier(name, sums[f"m{i}"] / sums["moved"], sums[f"a{i}"] / sums["n"]) for i, name in enumerate(values)
    )
