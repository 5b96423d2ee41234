"""A declared forecast as objects: its history as tensors, its nodes as a ModelCollection, its losses as a loss."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.declared import modules
from estimators.forecast.declared.definition import Forecast
from estimators.forecast.declared.nodes import Imported, NodePart
from estimators.forecast.declared.nodes import Port as DeclaredPort
from estimators.forecast.declared.rules import ports_of
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.frames import from_frame, refuse_gaps
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.terms import Agree, Fit, Loss, Pool, Smooth
from estimators.forecast.modules.identities import Product, Ratio
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.neural import Neural
from estimators.forecast.modules.ports import Port

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.experiments.table import Experiments


def module_name(node: str) -> str:
    """What the collection calls the module of a node: `available_hours` becomes `AvailableHours`."""
    return "".join(word.capitalize() for word in node.split("_")) or node


def collection(forecast: Forecast, dims: Dims) -> ModelCollection:
    """The nodes of a definition, bound to the labels of its dims.

    Raises CausalError 029 for an import path that leads nowhere, and for a module with other ports than declared.
    """
    ports = {name: _port(port) for name, port in ports_of(forecast).items()}
    made = [_module(node, ports, forecast.time) for node in forecast.nodes]
    return ModelCollection(*made, dims=dims, exogenous=tuple(forecast.inputs))


def labels(forecast: Forecast, frame: pd.DataFrame) -> Dims:
    """The labels of every dim, sorted. Raises CausalError 029 for missing columns, missing labels and gaps in time."""
    absent = [dim for dim in forecast.dims if dim not in frame.columns]
    if absent:
        detail = f"missing: {', '.join(absent)}; the frame has {', '.join(map(str, frame.columns))}"
        raise refuse("029", f"{forecast.history} has no column for a dim", detail, fix="correct dims, or the model")
    empty = {dim: int(frame[dim].isna().sum()) for dim in forecast.dims}
    if any(empty.values()):
        detail = ", ".join(f"{dim}: {n} of {len(frame)} rows" for dim, n in empty.items() if n)
        raise refuse("029", "missing labels", detail, fix="drop these rows or give them a label")
    dims = Dims(**{dim: sorted(frame[dim].unique()) for dim in forecast.dims})
    refuse_gaps(forecast.time, dims[forecast.time])
    return dims


def history(forecast: Forecast, frame: pd.DataFrame, dims: Dims) -> dict[str, Tensor]:
    """Every input, and every node of which the frame has a column, on their own dims.

    An input with fewer dims than the frame has rows must be the same in all rows of its cell. Raises CausalError 029.
    """
    ports = ports_of(forecast)
    absent = [name for name in forecast.inputs if name not in frame.columns]
    if absent:
        detail = f"missing: {', '.join(absent)}; the frame has {', '.join(map(str, frame.columns))}"
        raise refuse("029", f"{forecast.history} has no column for an input", detail, fix="add it, or correct inputs")
    found = {name: _tensor(frame, name, ports[name], dims) for name in ports if name in frame.columns}
    for name, declared in forecast.inputs.items():
        if declared.missing == "zero":
            found[name] = found[name].map(lambda cells: cells.nan_to_num(nan=0.0))
    return found


def loss(forecast: Forecast, experiments: Experiments | None = None) -> Loss:
    """The declared losses. experiments: those open to training. Raises CausalError 029 if `agree` has none."""
    total: Any = None
    for part in forecast.losses:
        term = part.weight * _term(part, forecast, experiments)
        total = term if total is None else total + term
    return total


def _term(part: Any, forecast: Forecast, experiments: Experiments | None) -> Any:
    if part.type == "fit":
        return Fit(part.node, scale=part.scale, season=part.season)
    if part.type == "pool":
        return Pool()
    if part.type == "smooth":
        return Smooth(f"{module_name(part.node)}.{modules.LEVEL}", forecast.time, scale=part.scale)
    if experiments is None:
        raise refuse("029", "agreement with no experiments", "none were given", fix="pass the experiments' train part")
    return Agree(experiments, exact=part.exact, leaves_fit=part.leaves_fit)


def _tensor(frame: pd.DataFrame, name: str, port: DeclaredPort, dims: Dims) -> Tensor:
    axes = dims.only(*port.dims)
    if set(port.dims) == set(dims):
        return from_frame(frame, name, axes)
    cells = frame.dropna(subset=[name]).drop_duplicates([*port.dims, name])
    repeated = int(cells.duplicated(list(port.dims)).sum())
    if repeated:
        detail = f"{repeated} cells of ({', '.join(port.dims)}) have more than one value"
        raise refuse(
            "029", f"{name} is not the same within its cells", detail, fix="give it more dims, or aggregate it"
        )
    return from_frame(cells, name, axes)


def _port(port: DeclaredPort) -> Port:
    return Port(*port.dims, unit=port.unit)


def _module(node: NodePart, ports: Mapping[str, Port], time: str) -> Module:
    inputs = {name: ports[name] for name, _ in node.reads}
    name = module_name(node.name)
    said = {"output": node.name, "dims": node.dims, "unit": node.unit, "name": name}
    if node.type == "response":
        return modules.ResponseModule(name, node, inputs, time)
    if node.type == "multiplicative":
        return modules.MultiplicativeModule(name, node, inputs, time)
    if node.type == "sum":
        return modules.SumModule(name, node, inputs)
    if node.type == "matching":
        return modules.MatchingModule(name, node, inputs)
    if node.type == "neural":
        return Neural(inputs, {node.name: _port(node)}, scale=dict(node.scales), hidden=node.hidden, name=name)
    if node.type == "import":
        return _imported(node)
    if node.type == "product":
        made: Module = Product(*inputs, powers=node.powers, **said)
    else:
        made = Ratio(node.numerator, node.denominator, **said)
    made.inputs = inputs  # an input may have fewer dims than the node
    return made


def _imported(node: Imported) -> Module:
    place, _, name = node.path.partition(":")
    try:
        made = getattr(import_module(place), name)(**node.options)
    except (ImportError, AttributeError, TypeError) as error:
        raise refuse("029", f"no module at {node.path}", f"{type(error).__name__}: {error}", fix=_IMPORT) from error
    if not isinstance(made, Module):
        detail = f"{node.path} made a {type(made).__name__}"
        raise refuse("029", f"{node.name} is no module", detail, fix="subclass fc.Module")
    _refuse_other_ports(node, made)
    return made


_IMPORT = "correct type, install its package, or correct options: they are the keywords of its constructor"


def _refuse_other_ports(node: Imported, made: Module) -> None:
    declared = {"inputs": node.inputs, "outputs": node.makes}
    details = []
    for key, ports in declared.items():
        own = getattr(made, key)
        for name in [*ports, *(n for n in own if n not in ports)]:
            there = str(own[name]) if name in own else "not there"
            here = str(_port(ports[name])) if name in ports else "not there"
            if there != here:
                details.append(f"{key} {name}: declared {here}, of the module {there}")
    if details:
        fix = "let the definition say what the module does: it is what reviewers read"
        raise refuse("029", f"ports of {node.name} are not the declared ones", *details[:3], fix=fix)
