"""A collection's parameters in one file, together with the labels that they belong to."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.alignment import clash
from estimators.forecast.labels.dims import Dims

if TYPE_CHECKING:
    from estimators.forecast.collection import ModelCollection

FORMAT = 1


def save(model: ModelCollection, path: str | Path) -> None:
    """Writes parameters, labels and ports to a file; no code is stored, only numbers and text."""
    head = {
        "format": FORMAT,
        "dims": {name: [_written(label) for label in model.dims[name]] for name in model.dims},
        "modules": [module.name for module in model.order],
    }
    torch.save({"head": json.dumps(head), "parameters": dict(model.state_dict())}, path)


def load(model: ModelCollection, path: str | Path) -> None:
    """Reads parameters into a collection that was built from the same modules and labels.

    Raises CAUSAL-029 if modules, parameters, shapes or labels differ, and then changes nothing.
    """
    content = torch.load(path, weights_only=True)
    head, parameters = json.loads(content["head"]), content["parameters"]
    if head["format"] != FORMAT:
        raise refuse("029", "a file of another version", f"format {head['format']}, this library reads {FORMAT}")
    saved = Dims(**{name: [_read(label) for label in labels] for name, labels in head["dims"].items()})
    if saved.names != model.dims.names:
        raise refuse("029", "a saved model with other dims", f"{', '.join(saved)} against {', '.join(model.dims)}")
    for name in saved:
        if saved[name] != model.dims[name]:
            raise clash(name, saved[name], model.dims[name], ("the file", "the model"))
    own = model.state_dict()
    wrong = sorted({*own, *parameters} - {k for k in own if k in parameters and own[k].shape == parameters[k].shape})
    if wrong:
        raise refuse(
            "029",
            "a saved model with other parameters",
            f"not in both, or of another shape: {', '.join(wrong[:5])}{', …' if len(wrong) > 5 else ''}",
            fix="build the collection from the modules that were saved; fit again after replacing one",
        )
    model.load_state_dict(parameters)


def _written(label: Any) -> Any:
    if isinstance(label, datetime.datetime):
        return {"datetime": label.isoformat()}
    return {"date": label.isoformat()} if isinstance(label, datetime.date) else label


def _read(label: Any) -> Any:
    if not isinstance(label, dict):
        return label
    ((kind, text),) = label.items()
    return (datetime.datetime if kind == "datetime" else datetime.date).fromisoformat(text)
