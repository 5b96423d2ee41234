"""The judge of labelled tensors: a thousand random expressions, evaluated by xarray as well.

An expression is a seed: the same random choices are made once for each of the two, from the dims and labels that it
sees. With `arithmetic_join="exact"` xarray refuses the same dim with other labels or in another order, and so must we.
"""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import xarray

from estimators import forecast as fc
from estimators.errors import CausalError

DIMS = fc.Dims(region=["north", "south", "west"], week=[1, 2, 3, 4], product=["ride", "meal"])
ORDERS = [order for size in range(1, 4) for order in permutations(DIMS, size)]
N_EXPRESSIONS = 1000

OURS = SimpleNamespace(
    array=lambda numbers, dims: fc.tensor(numbers, DIMS, dims),
    labels=lambda x, dim: list(x.labels[dim]),
    reduce=lambda x, name, dims: getattr(x, name)(*dims),
    cumsum=lambda x, dim: x.cumsum(dim),
    shift=lambda x, dim, n: x.shift(dim, n, fill=0.5),
    one=lambda x, dim, label: x.select(**{dim: label}),
    several=lambda x, dim, labels: x.select(**{dim: labels}),
    between=lambda x, dim, first, last: x.select(**{dim: slice(first, last)}),
    transpose=lambda x, dims: x.transpose(*dims),
    where=fc.where,
    maximum=fc.maximum,
    minimum=fc.minimum,
    clip=fc.clip,
    log1p=fc.log1p,
    log=fc.log,
    exp=fc.exp,
    sqrt=fc.sqrt,
    tanh=fc.tanh,
    sigmoid=fc.sigmoid,
)
THEIRS = SimpleNamespace(
    array=lambda numbers, dims: xarray.DataArray(numbers, {dim: list(DIMS[dim]) for dim in dims}, dims),
    labels=lambda x, dim: x[dim].to_numpy().tolist(),
    reduce=lambda x, name, dims: getattr(x, name)(dims or None, skipna=False),
    cumsum=lambda x, dim: x.cumsum(dim, skipna=False),
    shift=lambda x, dim, n: x.shift({dim: n}, fill_value=0.5),
    one=lambda x, dim, label: x.sel({dim: label}, drop=True),
    several=lambda x, dim, labels: x.sel({dim: labels}),
    between=lambda x, dim, first, last: x.isel({dim: _positions(x, dim, first, last)}),
    transpose=lambda x, dims: x.transpose(*dims),
    where=xarray.where,
    maximum=np.maximum,
    minimum=np.minimum,
    clip=lambda x, lower, upper: x.clip(lower, upper),
    log1p=np.log1p,
    log=np.log,
    exp=np.exp,
    sqrt=np.sqrt,
    tanh=np.tanh,
    sigmoid=lambda x: 1 / (1 + np.exp(-x)),
)
ELEMENTWISE = [
    lambda on, x: on.log1p(abs(x)),
    lambda on, x: on.exp(on.clip(x, -2.0, 2.0)),
    lambda on, x: on.sqrt(abs(x)),
    lambda on, x: on.tanh(x),
    lambda on, x: on.sigmoid(x),
    lambda on, x: -x,
    lambda on, x: 2.0 - x,
    lambda on, x: 1.0 / (abs(x) + 1.0),
    lambda on, x: on.log(x * x + 1.0),
    lambda on, x: 1.5 ** on.tanh(x),
]
COMBINED = [
    lambda on, x, y: x + y,
    lambda on, x, y: x - y,
    lambda on, x, y: x * y,
    lambda on, x, y: x / (abs(y) + 1.0),
    lambda on, x, y: (abs(x) + 1.0) ** on.tanh(y),
    lambda on, x, y: on.maximum(x, y),
    lambda on, x, y: on.minimum(x, y),
    lambda on, x, y: on.where(x > y, x, y * 2.0),
    lambda on, x, y: on.where((x <= 0.5) & (y != 0.0), 1.0, y),
    lambda on, x, y: on.where((x >= 0.5) | ~(y < 0.0), x, 0.0),
]


def _positions(x, dim, first, last):
    """xarray's slice of labels needs sorted ones; ours goes by their order."""
    labels = x[dim].to_numpy().tolist()
    return slice(labels.index(first), labels.index(last) + 1)


def _one_of(source, choices):
    return choices[source.integers(len(choices))]


def _leaf(on, source):
    dims = _one_of(source, ORDERS)
    return on.array(source.normal(size=[DIMS.size(dim) for dim in dims]), dims)


def _elementwise(on, source, x):
    return _one_of(source, ELEMENTWISE)(on, x)


def _reduced(on, source, x):
    name = _one_of(source, ("sum", "mean", "max", "min"))
    return on.reduce(x, name, [dim for dim in x.dims if source.random() < 0.5])


def _along(on, source, x):
    dim = _one_of(source, x.dims)
    return on.cumsum(x, dim) if source.random() < 0.4 else on.shift(x, dim, int(source.integers(-5, 6)))


def _selected(on, source, x):
    dim = _one_of(source, x.dims)
    labels = on.labels(x, dim)
    first, last = sorted(source.integers(len(labels), size=2))
    some = [labels[i] for i in source.permutation(len(labels))[: source.integers(1, len(labels) + 1)]]
    kind = source.integers(3)
    if kind == 0:
        return on.one(x, dim, labels[first])
    return on.several(x, dim, some) if kind == 1 else on.between(x, dim, labels[first], labels[last])


def _turned(on, source, x):
    return on.transpose(x, [x.dims[i] for i in source.permutation(len(x.dims))])


ALONE = [_elementwise, _elementwise, _reduced, _along, _selected, _turned]


def expression(on, source, depth):
    """A random expression of this depth, evaluated by `on`."""
    if depth == 0:
        return _leaf(on, source)
    left = expression(on, source, depth - 1)
    if source.random() < 0.4:
        return _one_of(source, COMBINED)(on, left, expression(on, source, depth // 2))
    return _one_of(source, ALONE)(on, source, left) if left.dims else left


def evaluated(on, seed):
    """The value of an expression, or None where it is refused."""
    source, refused = np.random.default_rng(seed), CausalError if on is OURS else ValueError
    try:
        return expression(on, source, int(source.integers(1, 7)))
    except refused:
        return None


def difference(seed):
    """How ours differs from xarray's: ``none``, ``none, both refuse``, or in words."""
    ours, theirs = evaluated(OURS, seed), evaluated(THEIRS, seed)
    if ours is None or theirs is None:
        return "none, both refuse" if ours is theirs else f"{seed}: only {'ours' if ours is None else 'theirs'} refuses"
    if ours.dims != theirs.dims or any(OURS.labels(ours, d) != THEIRS.labels(theirs, d) for d in ours.dims):
        return f"{seed}: other dims or labels"
    close = np.allclose(ours.data.numpy(), theirs.to_numpy(), rtol=1e-12, atol=1e-12)
    return "none" if close else f"{seed}: other numbers"


@pytest.fixture(scope="module")
def differences():
    with xarray.set_options(arithmetic_join="exact"):
        return [difference(seed) for seed in range(N_EXPRESSIONS)]


def test_a_thousand_random_expressions_equal_those_of_xarray(differences):
    assert [text for text in differences if not text.startswith("none")] == []


def test_the_expressions_hold_both_values_and_refusals(differences):
    assert differences.count("none") > 700
    assert differences.count("none, both refuse") > 50


def test_the_judge_sees_a_wrong_number(monkeypatch):
    monkeypatch.setattr(OURS, "tanh", lambda x: fc.tanh(x) * (1 + 1e-11))
    monkeypatch.setattr("tests.forecast.labels.test_agrees_with_xarray.ELEMENTWISE", [lambda on, x: on.tanh(x)])
    with xarray.set_options(arithmetic_join="exact"):
        assert any("other numbers" in difference(seed) for seed in range(50))
