"""Whether two engines say the same: every number to 1e-8, everything else to the letter."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

RELATIVE = 1e-8
_ENGINE = {"data_fingerprint", "estimate_hash"}  # made of digits below the tolerance


def differences(found: Any, wanted: Any, at: str = "", scale: float = 0.0) -> Iterator[str]:
    """Where `found` is not `wanted`. scale: a number below which a difference is measured against it (an SE)."""
    if is_dataclass(wanted) and not isinstance(wanted, type):
        found, wanted = _fields(found), _fields(wanted)
    if isinstance(wanted, pd.DataFrame):
        found, wanted = found.to_dict("list"), wanted.to_dict("list")
    if isinstance(wanted, Mapping):
        yield from _of_mappings(found, wanted, at, scale)
    elif isinstance(wanted, list | tuple | np.ndarray):
        if len(found) != len(wanted):
            yield f"{at}: {len(found)} items, wanted {len(wanted)}"
            return
        for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
            yield from differences(a, b, f"{at}[{i}]", scale)
    elif isinstance(wanted, float | np.floating) and not isinstance(found, str) and found is not None:
        if not _is_close(float(found), float(wanted), scale):
            yield f"{at}: {found!r}, wanted {wanted!r}"
    elif found is not wanted and found != wanted and not (pd.isna(found) and pd.isna(wanted)):
        yield f"{at}: {found!r}, wanted {wanted!r}"


def records(results: Any) -> dict[str, list[Any]]:
    """The long frame that dbt stores, its payloads read."""
    frame = results.frame()
    out: dict[str, list[Any]] = {}
    for record, payload in zip(frame["record"], frame["payload"], strict=True):
        out.setdefault(record, []).append(json.loads(payload))
    return out


def _fields(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) else value


def _of_mappings(found: Mapping, wanted: Mapping, at: str, scale: float) -> Iterator[str]:
    if set(found) != set(wanted):
        yield f"{at}: keys {sorted(map(str, set(found) ^ set(wanted)))} on one side only"
        return
    error = wanted.get("std_error")
    if isinstance(error, float | int) and math.isfinite(error):
        scale = float(error)
    for key in wanted:
        if key not in _ENGINE:
            yield from differences(found[key], wanted[key], f"{at}.{key}" if at else str(key), scale)


def _is_close(found: float, wanted: float, scale: float) -> bool:
    if math.isnan(wanted) or math.isinf(wanted):
        return found == wanted or (math.isnan(found) and math.isnan(wanted))
    return abs(found - wanted) <= RELATIVE * max(abs(wanted), scale, 1e-6)
