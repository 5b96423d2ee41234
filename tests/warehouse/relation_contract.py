"""What every relation must do, whatever its engine: one suite, run by a module per engine.

A module that imports these tests has a fixture `relation_of`: from a pandas frame to a relation on its engine.
"""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import pandas as pd
import pytest

from estimators.warehouse.blocks import column_products, gram, rough_terms
from estimators.warehouse.least_squares import least_squares

HOSTILE = ["plain", "it's", 'say "so"', "back`tick", "back\\slash", "{brace}", "ünï", "-- no; comment", ""]


def frame(n: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "unit": np.arange(n),
            "x": 1e6 + random.normal(size=n),
            "z": random.normal(size=n),
            "y": random.normal(size=n),
            "kind": random.choice(HOSTILE, n),
            "flag": random.random(n) < 0.5,
            "seen_at": pd.Timestamp("2026-01-01 10:30:00.25") + pd.to_timedelta(random.integers(0, 10**6, n), unit="s"),
        }
    )


def test_columns_have_the_kinds_that_estimators_know(relation_of):
    kinds = relation_of(frame()).columns
    expected = {"x": "number", "kind": "text", "flag": "boolean", "seen_at": "time", "unit": "number"}
    assert {name: kinds[name] for name in expected} == expected


@pytest.mark.parametrize("name", ['odd "name"', "back`tick", "with space", "ünï", "select"])
def test_any_column_name_is_quoted(relation_of, name):
    relation = relation_of(frame().rename(columns={"x": name}))
    assert relation.aggregate({"m": f"max({relation.name(name)})"})["m"][0] == frame()["x"].max()


def test_any_text_is_a_literal_that_means_itself(relation_of):
    relation, counts = relation_of(frame()), frame()["kind"].value_counts()
    for text in HOSTILE:
        found = relation.filter(f"{relation.name('kind')} = {relation.text(text)}").n_rows()
        assert found == counts.get(text, 0), text


def test_numbers_keep_every_bit(relation_of):
    relation = relation_of(frame(2))
    for value in (0.1, -1.0 / 3.0, 1e300, 5e-324, -0.0, 12345678.9):
        assert relation.head({"v": relation.number(value)}, 1)["v"][0] == value


def test_groups_come_in_order_with_nulls_last(relation_of):
    data = frame(6).assign(kind=["b", None, "a", "B", None, "é"])
    found = relation_of(data).aggregate({"n": "count(*)"}, by=["kind"])
    assert list(found["kind"]) == ["B", "a", "b", "é", None]
    assert list(found["n"]) == [1, 1, 1, 1, 2]


def test_missing_numbers_are_nan_and_missing_texts_none(relation_of):
    data = pd.DataFrame({"i": pd.array([1, None, 3], "Int64"), "t": ["a", None, "c"], "f": [0.5, None, 2.5]})
    found = relation_of(data).rows({"i": "i", "t": "t", "f": "f"}, order_by="coalesce(i, 2)")
    assert np.isnan(found["i"][1])
    assert found["t"][1] is None
    assert np.isnan(found["f"][1])


def test_the_bucket_is_the_head_of_an_md5(relation_of):
    relation = relation_of(frame(20))
    found = relation.rows({"unit": "unit", "b": relation.bucket("unit")}, order_by="unit")
    wanted = [int(hashlib.md5(str(unit).encode()).hexdigest()[:8], 16) for unit in found["unit"]]
    assert list(found["b"]) == wanted


def test_times_are_seconds_since_1970_in_utc(relation_of):
    data = frame(20)
    relation = relation_of(data)
    found = relation.rows({"s": relation.double(relation.seconds("seen_at"))}, order_by="unit")["s"]
    wanted = (data["seen_at"] - pd.Timestamp(0)).dt.total_seconds()
    assert found == pytest.approx(wanted.to_numpy(), abs=1e-6)


def test_dates_are_seconds_too(relation_of):
    relation = relation_of(frame(1)).with_columns({"day": "cast('2026-03-29' as date)"})
    wanted = (pd.Timestamp("2026-03-29") - pd.Timestamp(0)).total_seconds()
    assert relation.head({"s": relation.double(relation.seconds("day"))}, 1)["s"][0] == wanted


def test_times_arrive_as_the_moments_they_were(relation_of):
    data = frame(20)
    found = relation_of(data).rows({"seen_at": "seen_at"}, order_by="unit")["seen_at"]
    assert (pd.to_datetime(found) == data["seen_at"]).all()


def test_a_quantile_interpolates(relation_of):
    relation, values = relation_of(frame()), frame()["z"]
    found = relation.aggregate({f"q{s}": relation.quantile("z", s) for s in (0.0, 0.25, 0.5, 0.9)})
    for share in (0.0, 0.25, 0.5, 0.9):
        assert found[f"q{share}"][0] == pytest.approx(np.quantile(values, share), rel=1e-12)


def test_a_number_is_picked_by_text_and_by_position(relation_of):
    relation = relation_of(frame())
    table = {text: [float(i), float(10 * i)] for i, text in enumerate(HOSTILE)}
    columns = {
        "kind": "kind",
        "first": relation.pick("kind", {k: v[0] for k, v in table.items()}),
        "other": relation.pick("kind", table, "unit % 2"),
        "unit": "unit",
    }
    found = relation.rows(columns, order_by="unit")
    assert list(found["first"]) == [table[k][0] for k in found["kind"]]
    assert list(found["other"]) == [table[k][u % 2] for k, u in zip(found["kind"], found["unit"], strict=True)]


def test_columns_are_added_replaced_and_filtered(relation_of):
    relation = relation_of(frame()).with_columns({"x": "x + 1e0", "w": "z * 2e0"}).filter("w > 0e0")
    wanted = frame().query("z > 0")
    assert list(relation.columns)[-2:] == ["x", "w"]
    assert relation.aggregate({"x": "max(x)"})["x"][0] == wanted["x"].max() + 1.0
    assert relation.n_rows() == len(wanted)


def test_rows_without_a_partner_are_kept_in_a_join_and_lost_in_a_lookup(relation_of):
    relation = relation_of(frame()).with_columns({"k": "unit % 3"})
    groups = relation.filter("k < 2").grouped({"m": "avg(z)"}, {"k": "k"})
    joined = relation.joined(groups, ["k"])
    assert (joined.n_rows(), joined.filter("m is null").n_rows()) == (300, 100)
    looked_up = relation.lookup(["k"], {"k": [0, 1], "w": [0.25, 0.75]})
    assert looked_up.n_rows() == 200
    assert looked_up.aggregate({"s": "sum(w)"})["s"][0] == 100.0


def test_collected_rows_are_the_same_rows(relation_of):
    relation = relation_of(frame())
    kept = relation.grouped({"n": "count(*)", "s": "sum(z)"}, {"kind": "kind"}).collected()
    found = kept.aggregate({"s": f"max({kept.name('s')})", "n": "sum(n)", "g": "count(*)"})
    wanted = frame().groupby("kind")["z"].sum()
    assert found["s"][0] == pytest.approx(wanted.max(), rel=1e-12)
    assert (found["n"][0], found["g"][0]) == (300, len(wanted))


def test_blocks_hold_every_row_once_and_in_order(relation_of):
    blocks = list(relation_of(frame()).batches({"unit": "unit"}, order_by="unit", n_rows=70))
    assert [len(b["unit"]) for b in blocks] == [70, 70, 70, 70, 20]
    assert list(np.concatenate([b["unit"] for b in blocks])) == list(range(300))


def test_the_head_is_the_first_rows_in_order(relation_of):
    assert list(relation_of(frame()).head({"unit": "unit"}, 3, order_by="unit desc")["unit"]) == [299, 298, 297]


def test_no_rows_are_arrays_of_no_rows(relation_of):
    none = relation_of(frame()).filter("unit < 0")
    assert none.n_rows() == 0
    assert len(none.rows({"x": "x"})["x"]) == 0
    assert len(none.head({"x": "x"}, 5)["x"]) == 0


def powers(power: int, columns: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    z = columns["z"] ** power
    return np.array([z.sum(), columns["y"] @ z]), np.array(len(z))


def test_sums_over_blocks_are_sums_over_rows(relation_of):
    sums, n = relation_of(frame()).summed({"z": "z", "y": "y"}, partial(powers, 3))
    cubes = frame()["z"] ** 3
    assert sums == pytest.approx([cubes.sum(), (cubes * frame()["y"]).sum()], rel=1e-10)
    assert n == 300


def test_sums_over_no_rows_are_zeros(relation_of):
    sums, n = relation_of(frame()).filter("unit < 0").summed({"z": "z", "y": "y"}, partial(powers, 3))
    assert (list(sums), int(n)) == ([0.0, 0.0], 0)


def test_products_of_columns_far_from_zero_keep_their_digits(relation_of):
    relation = relation_of(frame())
    found = gram(relation, rough_terms(relation, ["x", "z"], {}))
    x = frame()["x"]
    assert found.terms.scale[0] ** 2 * found.variances[1] == pytest.approx(x.var(ddof=0), rel=1e-9)
    totals, products, n = column_products(relation, ["z", "y"])
    assert products[0, 1] == pytest.approx(frame()["z"] @ frame()["y"], rel=1e-10)
    assert (totals[0], n) == (pytest.approx(frame()["z"].sum(), rel=1e-10), 300)


def test_least_squares_solves_the_normal_equations(relation_of):
    fit = least_squares(relation_of(frame()), "y", ["x", "z"], covariance="HC2")
    data = frame()
    design = np.column_stack([np.ones(300), data["x"] - 1e6, data["z"]])
    wanted = np.linalg.lstsq(design, data["y"], rcond=None)[0]
    assert fit.coefficients[1:] == pytest.approx(wanted[1:], rel=1e-9)
