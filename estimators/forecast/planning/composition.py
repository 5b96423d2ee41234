"""Whether a node is concave in the decisions, from what the modules' authors assert, never from values.

The rules are those of disciplined convex programming (Grant, Boyd and Ye 2006): a concave function that rises in an
input may take a concave input, one that falls in it a convex one, and any may take an affine one. A tag of ``shapes``
speaks of one input while the others stay; where several inputs of a module move with the decisions, the claim must be
made for all of them together, in ``jointly`` (output → "concave", …): a product is affine in each factor and neither
concave nor convex in both. Products and ratios make it themselves, from their powers and from the signs of what no
decision reaches (`Module.claim`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from estimators.forecast.collection import ModelCollection
from estimators.forecast.modules.module import Module, SignOf

CONSTANT = "constant"
OPPOSITE = {"concave": "convex", "convex": "concave", "affine": "affine", CONSTANT: CONSTANT, "unknown": "unknown"}


@dataclass(frozen=True)
class Shape:
    """curvature: constant, affine, concave, convex or unknown.  why: what says so, or what is missing."""

    curvature: str
    why: str


def unknown_sign(name: str) -> int:
    """The sign of an input of which no values are given."""
    return 0


def shapes_of(model: ModelCollection, decided: Collection[str], sign_of: SignOf = unknown_sign) -> dict[str, Shape]:
    """The shape of every input and node as a function of the decided inputs. sign_of: of what they do not reach."""
    found = {
        name: Shape("affine", f"{name} is decided") if name in decided else Shape(CONSTANT, f"{name} is given")
        for name in model.exogenous
    }
    for module in model.order:
        for output in module.outputs:
            found[output] = _shape(module, output, found, sign_of)
    return found


def _shape(module: Module, output: str, known: Mapping[str, Shape], sign_of: SignOf) -> Shape:
    moving = [name for name in module.inputs if known[name].curvature != CONSTANT]
    if not moving:
        return Shape(CONSTANT, f"{output} does not depend on the decisions")
    made = module.claim(output, moving, sign_of)
    claim, together = made.curvature, " and ".join(moving)
    basis = f"{module.name}; {made.why}" if made.why else module.name
    if claim is None and made.why:
        return Shape("unknown", f"{output} of {together} ({basis})")
    if claim is None:
        how = f'shapes = {{("{output}", "{moving[0]}"): …}}' if len(moving) == 1 else f'jointly = {{"{output}": …}}'
        return Shape("unknown", f"{module.name} does not say how {output} bends in {together} ({how})")
    for name in moving:
        if known[name].curvature == "unknown":
            return Shape("unknown", known[name].why)
    for curvature in ("affine", "concave", "convex"):
        if all(_keeps(claim, made.directions.get(name), known[name].curvature, curvature) for name in moving):
            upstream = [
                known[name].why for name in moving if known[name].curvature != "affine" or name in _made(known, name)
            ]
            said = f"{output} is {claim} in {together} ({basis})"
            return Shape(curvature, "; ".join(dict.fromkeys([said, *upstream])))
    inner = ", ".join(f"{name} {known[name].curvature}" for name in moving)
    return Shape("unknown", f"{output} is {claim} in {together} ({basis}), but {inner}, and monotone tags do not fit")


def _made(known: Mapping[str, Shape], name: str) -> tuple[str, ...]:
    return () if known[name].why.endswith("is decided") else (name,)


def _keeps(claim: str, direction: str | None, inner: str, wanted: str) -> bool:
    """Whether a function of this claim and direction makes `wanted` of an input that is `inner`."""
    if claim not in ("affine", wanted):
        return False
    if inner == "affine":
        return True
    if wanted == "affine":
        return False
    return (direction == "increasing" and inner == wanted) or (direction == "decreasing" and inner == OPPOSITE[wanted])


def combined(parts: Collection[tuple[float, Shape]]) -> Shape:
    """The shape of Σ factor · part."""
    turned = [(s.curvature if factor >= 0 else OPPOSITE[s.curvature], s.why) for factor, s in parts if factor != 0]
    moving = [(curvature, why) for curvature, why in turned if curvature != CONSTANT]
    if not moving:
        return Shape(CONSTANT, "nothing in it is decided")
    kinds = {curvature for curvature, _ in moving} - {"affine"}
    why = "; ".join(dict.fromkeys(why for _, why in moving))
    if len(kinds) > 1:
        unknown = [text for curvature, text in moving if curvature == "unknown"]
        return Shape("unknown", unknown[0] if unknown else f"a sum of concave and convex parts: {why}")
    return Shape(kinds.pop() if kinds else "affine", why)
