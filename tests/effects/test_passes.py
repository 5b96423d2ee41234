"""The two ways of making the sums, SQL aggregates and blocks of rows, give the same numbers."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pytest

from estimators.effects import aipw as module
from estimators.effects.block_passes import BlockPasses
from estimators.effects.method import Spec
from estimators.effects.sql_passes import SqlPasses
from estimators.warehouse import as_relation

COVARIATES = ("x0", "x1", "is_old", "city", "plan")
ROWS = """
select i as unit_id, md5(cast(i as varchar)) as h, cast('0x' || substr(h, 1, 8) as bigint) as unit_bucket,
    (unit_bucket % 1000) / 250.0 as x0, 1e6 + (unit_bucket // 1000 % 100) as x1, unit_bucket % 3 = 0 as is_old,
    ['oslo', 'rome', 'bonn'][1 + unit_bucket // 7 % 3] as city, 'p' || cast(unit_bucket // 11 % 4 as varchar) as plan,
    i % 40 as cluster_id, case when i % 3 = 0 then 'web' else 'app' end as platform, 1.0 + i % 4 as weight,
    cast(unit_bucket // 13 % 10 < 3 + x0 as int) as treatment,
    x0 + treatment * 0.5 + (unit_bucket // 17 % 100) / 50.0 as y, cast(unit_bucket // 19 % 10 < 4 + x0 as int) as z
from range(3000) as r(i)
"""


@pytest.fixture(scope="module")
def relation():
    connection = duckdb.connect()
    connection.execute(f"create table study as {ROWS}")
    return as_relation(connection.table("study"))


def designs(relation, **spec):
    """The same design by SQL and by blocks (the small data would choose blocks by itself)."""
    asked = Spec(
        treatment="treatment", covariates=COVARIATES, options={"repetitions": 1, **spec.pop("options", {})}, **spec
    )
    by_blocks = module.aipw_design(relation, asked)
    assert isinstance(by_blocks.splits[0], BlockPasses)
    first = by_blocks.splits[0]
    return replace(by_blocks, splits=[SqlPasses(first.rows, first.n_folds, first.salt)]), by_blocks


@pytest.mark.parametrize("estimand", ["ATE", "ATT", "ATO"])
@pytest.mark.parametrize("extra", [{}, {"cluster": "cluster_id"}, {"weights": "weight"}])
@pytest.mark.parametrize("outcome_model", ["linear", "auto"])
def test_sql_and_blocks_agree(relation, estimand, extra, outcome_model):
    by_sql, by_blocks = designs(relation, estimand=estimand, options={"outcome_model": outcome_model}, **extra)
    for segment in (None, "platform"):
        a, b = (d.estimate(["y", "z"], segment) for d in (by_sql, by_blocks))
        assert [e.segment for e in a.effects] == [e.segment for e in b.effects]
        for mine, other in zip(a.effects, b.effects, strict=True):
            assert mine.estimate == pytest.approx(other.estimate, rel=1e-10, abs=1e-12)
            assert mine.std_error == pytest.approx(other.std_error, rel=1e-10)
            assert mine.control_mean == pytest.approx(other.control_mean, rel=1e-10)
            assert (mine.n_units, mine.n_treated) == (other.n_units, other.n_treated)
        np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-8, atol=1e-14)


def test_sql_and_blocks_agree_on_balance_and_overlap(relation):
    by_sql, by_blocks = designs(relation, estimand="ATT", weights="weight")
    for mine, other in zip(by_sql.balance, by_blocks.balance, strict=True):
        assert mine.covariate == other.covariate
        assert mine.smd_adjusted == pytest.approx(other.smd_adjusted, abs=1e-10)
        assert mine.mean_control_adjusted == pytest.approx(other.mean_control_adjusted, rel=1e-10)
    for mine, other in zip(by_sql.overlap, by_blocks.overlap, strict=True):
        assert mine.effective_sample_size == pytest.approx(other.effective_sample_size, rel=1e-10)
        assert mine.equipoise_share == other.equipoise_share


def test_newton_sums_agree(relation):
    by_sql, by_blocks = designs(relation, estimand="ATE")
    coefficients = np.linspace(-0.3, 0.3, by_sql.rows.terms.size)
    for arm in (None, 0, 1):
        a, b = (d.splits[0].binary("z", coefficients, "logit", arm) for d in (by_sql, by_blocks))
        np.testing.assert_allclose(a.hessian, b.hessian, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(a.gradient, b.gradient, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(a.log_likelihood, b.log_likelihood, rtol=1e-10)


def test_large_data_take_the_sql_passes_and_many_columns_the_blocks(relation):
    design = module.aipw_design(relation, Spec("treatment", COVARIATES, "ATE"))
    many = replace(design.rows, n_rows=1_000_000)
    assert isinstance(module._passes(many, design.options, ""), SqlPasses)
    wide = replace(many, terms=replace(many.terms, numbers=tuple(f"x{i}" for i in range(41))))
    assert isinstance(module._passes(wide, design.options, ""), BlockPasses)
    probit = replace(design.options, propensity_model="probit")
    assert isinstance(module._passes(many, probit, ""), BlockPasses)


def test_a_level_too_rare_for_the_sample_is_no_fault(monkeypatch):
    connection = duckdb.connect()
    connection.execute(f"create table study as {ROWS}")
    connection.execute("update study set plan = 'rare' where unit_id < 60")
    relation = as_relation(connection.table("study"))
    _, exact = designs(relation, estimand="ATE")
    monkeypatch.setattr(module, "EXACT_ROWS", 1_000)
    monkeypatch.setattr(module, "SAMPLE_ROWS", 60)
    design = module.aipw_design(relation, Spec("treatment", COVARIATES, "ATE", options={"repetitions": 1}))
    assert isinstance(design.splits[0], SqlPasses)
    assert "plan = rare" in design.rows.terms.names
    found, wanted = (d.estimate(["y"]).effects[0] for d in (design, exact))
    assert found.estimate == pytest.approx(wanted.estimate, abs=0.02 * wanted.std_error)
