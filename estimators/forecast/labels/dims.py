"""Named dimensions and their labels; everything that is looked up by label is looked up once."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch

from estimators.errors import CausalError, refuse

REMEMBERED = 128  # derived dims and alignments kept per Dims; a training loop needs tens


def canonical(label: Any) -> Hashable:
    """One form for labels that mean the same: a day is a `datetime.date`, a numpy scalar the Python value.

    pandas timestamps, numpy datetimes and `datetime.datetime` at midnight all become the same date, so that labels from
    a warehouse, a frame and a literal agree.
    """
    if isinstance(label, np.datetime64):
        label = label.astype("datetime64[us]").item()
    elif isinstance(label, np.generic):
        label = label.item()
    elif hasattr(label, "to_pydatetime"):  # a pandas timestamp
        label = label.to_pydatetime(warn=False)
    if isinstance(label, datetime.datetime) and label.tzinfo is None and label.time() == datetime.time():
        return label.date()
    return label


def instant(label: datetime.date) -> datetime.datetime:
    """A day as the midnight it begins with, so that days and times can be subtracted."""
    if isinstance(label, datetime.datetime):
        return label
    return datetime.datetime.combine(label, datetime.time())


class Index(tuple):
    """The labels of one dim, in order. Compare with ``is`` first: tensors of one model share their indexes."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Index:
        return self  # immutable; a copied module must go on sharing its labels with the others

    @property
    def positions(self) -> dict[Hashable, int]:
        """Position by label, made on first use."""
        found = self.__dict__.get("_positions")
        if found is None:
            found = self.__dict__["_positions"] = {label: position for position, label in enumerate(self)}
        return found


def index_of(labels: Iterable[Any]) -> Index:
    """An Index of these labels in canonical form; an Index stays the object it is."""
    return labels if isinstance(labels, Index) else Index(canonical(label) for label in labels)


class Dims(Mapping[str, Index]):
    """Ordered dims and their labels: ``Dims(region=["A", "B"], week=[...])``; ``dims["week"]`` are labels.

    Immutable. Raises CAUSAL-029 for repeated labels.
    """

    __slots__ = ("_indexes", "_remembered", "names", "shape")

    def __init__(self, **labels: Iterable[Any]) -> None:
        indexes = {name: index_of(values) for name, values in labels.items()}
        for name, index in indexes.items():
            _refuse_repeated(name, index)
        self._fill(indexes)

    def _fill(self, indexes: dict[str, Index]) -> None:
        self._indexes = indexes
        self.names = tuple(indexes)
        self.shape = tuple(len(index) for index in indexes.values())
        self._remembered: dict[Any, Any] = {}

    @classmethod
    def of(cls, indexes: dict[str, Index]) -> Dims:
        """Dims of indexes that are known to be unique: no check, for code that derives dims from dims."""
        made = cls.__new__(cls)
        made._fill(indexes)
        return made

    def __getitem__(self, name: str) -> Index:
        if name not in self._indexes:
            raise self.unknown(name)
        return self._indexes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._indexes

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Dims) and self.names == other.names and self._indexes == other._indexes
        )

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        return f"Dims({', '.join(f'{name}: {len(self._indexes[name])}' for name in self.names)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Dims:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Dims.of, (self._indexes,)

    def size(self, name: str) -> int:
        """How many labels a dim has."""
        return len(self[name])

    def axis(self, name: str) -> int:
        """The position of a dim among these."""
        if name not in self._indexes:
            raise self.unknown(name)
        return self.names.index(name)

    def unknown(self, name: str) -> CausalError:
        """The error for a dim that is not among these."""
        close = get_close_matches(str(name), self.names, n=1)
        guess = f"; did you mean {close[0]}?" if close else ""
        return refuse(
            "029",
            f"unknown dim {name}",
            f"the dims here are {', '.join(self.names) or 'none'}{guess}",
            fix="use one of these dims, or add it to fc.Dims",
        )

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returns, made once per key: derived dims keep their identity, and so do alignments.

        While torch compiles nothing is remembered: it traces the calculation and keeps the result in its graph.
        """
        if torch.compiler.is_compiling():
            return make()
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = make()
        return found

    def only(self, *names: str) -> Dims:
        """These dims alone, in this order."""
        if names == self.names:
            return self
        return self.remember(("only", names), lambda: Dims.of({name: self[name] for name in names}))

    def without(self, *names: str) -> Dims:
        """All dims but these."""
        for name in names:
            self.axis(name)
        return self.only(*(name for name in self.names if name not in names))

    def replace(self, **labels: Iterable[Any]) -> Dims:
        """The same dims with other labels in some of them."""
        for name in labels:
            self.axis(name)
        return Dims(**{**self._indexes, **labels})

    def extend(self, **labels: Iterable[Any]) -> Dims:
        """The same dims with labels added at the end: the weeks of a forecast."""
        return Dims(**{**self._indexes, **{name: Index((*self[name], *index_of(new))) for name, new in labels.items()}})

    def rename(self, names: dict[str, str]) -> Dims:
        """The same labels under other names (old name → new name)."""
        for name in names:
            self.axis(name)
        renamed = [names.get(name, name) for name in self.names]
        if len(set(renamed)) < len(renamed):
            raise refuse(
                "029", "a dim twice", f"after renaming the dims would be {', '.join(renamed)}", fix="choose other names"
            )
        return self.remember(
            ("rename", *renamed), lambda: Dims.of(dict(zip(renamed, self._indexes.values(), strict=True)))
        )

    def position(self, name: str, label: Any) -> int:
        """Where a label stands in a dim. Raises CAUSAL-029 if it does not."""
        found = self[name].positions.get(canonical(label))
        if found is None:
            raise unknown_labels(name, [label], self[name])
        return found


def unknown_labels(name: str, labels: Iterable[Any], index: Index) -> CausalError:
    """The error for labels that a dim does not have: how many, the first three, and how the known ones look."""
    labels = list(labels)
    shown = ", ".join(map(repr, map(str, labels[:3]))) + (", …" if len(labels) > 3 else "")
    ends = f"{name} has {len(index):,} labels, {index[0]!s} to {index[-1]!s}" if index else f"{name} has no labels"
    details = [f"{len(labels):,} unknown: {shown}", ends]
    if index and type(canonical(labels[0])) is not type(index[0]):
        details.append(f"asked for: {_kind(canonical(labels[0]))}; labels of {name}: {_kind(index[0])}")
    return refuse("029", f"unknown label in {name}", *details, fix=f"correct the label, or add it to {name} in fc.Dims")


def _kind(label: Hashable) -> str:
    return {"str": "text", "int": "whole number", "float": "number"}.get(type(label).__name__, type(label).__name__)


def _refuse_repeated(name: str, index: Index) -> None:
    if len(index.positions) < len(index):
        seen: set[Hashable] = set()
        twice = next(label for label in index if label in seen or seen.add(label))
        raise refuse(
            "029",
            f"repeated label in {name}",
            f"{len(index) - len(index.positions):,} of {len(index):,} labels are repeated, the first is {twice!s}",
            fix="pass every label once, in order",
        )
