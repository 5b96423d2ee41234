"""B6: ten plans whose constraints contradict each other, with the names of those that do; the others are decoys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.planning_marketplace import marketplace
from estimators import forecast as fc

HORIZON = 6
REGIONS = 4


@dataclass(frozen=True)
class Conflict:
    """A plan and the smallest set of its constraints that cannot hold together."""

    plan: Any
    because: set[str]


def _decoys() -> list[Any]:
    """Constraints that every region can satisfy, and that take no part in a conflict."""
    return [
        (fc.total("coupon", region="r3") <= 110.0).named("coupons of r3"),
        (fc.total("bonus", "coupon") <= 1e6).named("all spending"),
        fc.ramp("coupon", "week", absolute=9.0, name="steady coupons"),
    ]


def _plan(*constraints: Any) -> Any:
    plan = fc.Plan(marketplace(REGIONS), decide=("bonus", "coupon"), horizon=HORIZON).maximise(fc.total("rides"))
    return plan.subject_to(*_decoys(), *constraints)


def _boxes() -> list[Any]:
    return [fc.support(None), fc.box("bonus", 0.0, 5.0, "bonus caps"), fc.box("coupon", 0.0, 5.0, "coupon caps")]


def conflicts() -> list[Conflict]:
    """Ten conflicts: between totals, boxes, groups, ramps, the trust region and outcomes of the model."""
    bonus, coupon, spent = fc.total("bonus"), fc.total("coupon"), fc.total("bonus", "coupon")
    first = fc.total("bonus", week=HORIZON + 2)
    last = fc.total("bonus", week=HORIZON + 7)
    found = [
        ([(spent <= 50).named("budget"), (bonus >= 30).named("drivers"), (coupon >= 25).named("riders")],
         {"budget", "drivers", "riders"}),
        ([(bonus >= 130).named("drivers")], {"drivers", "bonus caps"}),
        ([(bonus == 10).named("exactly"), (bonus >= 11).named("drivers")], {"exactly", "drivers"}),
        ([(fc.by("region", bonus) <= dict.fromkeys([f"r{i}" for i in range(REGIONS)], 5.0)).named("regional"),
          (bonus >= 21).named("drivers")], {"regional", "drivers"}),
        ([fc.box("bonus", 6.0, 9.0, "at least six")], {"at least six", "bonus caps"}),
        ([(first <= 4).named("slow start"), (last >= 12).named("strong end"),
          fc.ramp("bonus", "week", absolute=0.2, from_history=False, name="steady")],
         {"slow start", "strong end", "steady"}),
        ([(bonus - coupon >= 70).named("drivers first"), (coupon >= 60).named("riders")],
         {"drivers first", "riders", "bonus caps"}),
        ([(fc.total("rides") >= 300).named("many rides")], {"many rides", "bonus caps", "coupon caps"}),
        ([(fc.total("rides") >= 215).named("more rides"), (spent <= 10).named("budget")], {"more rides", "budget"}),
    ]  # fmt: skip
    made = [Conflict(_plan(*_boxes(), *constraints), because) for constraints, because in found]
    trusted = Conflict(_plan((bonus >= 140).named("drivers")), {"drivers", "support"})
    return [*made, trusted]
