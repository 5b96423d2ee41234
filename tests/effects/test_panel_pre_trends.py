"""Placebo effects before treatment, from rows that nobody had treated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects import panel_pre_trends
from estimators.effects.method import PanelSpec
from estimators.effects.panel import panel_design
from estimators.warehouse import as_relation
from tests.effects.test_goodman_bacon import staggered


def design(frame: pd.DataFrame, **options):
    spec = PanelSpec("unit", "period", treatment="d", options=options)
    return panel_design(as_relation(frame), spec)


def leads(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows before treatment with a column per lead but the last, as an analyst makes them by hand."""
    before = frame[frame["d"] == 0].copy()
    relative = np.where(before["start"] == 99, 99, before["period"] - 2000 - before["start"])
    names = []
    for lead in range(-before["start"][before["start"] < 99].max(), -1):
        before[f"lead{-lead}"] = (relative == lead).astype(int)
        names.append(f"lead{-lead}")
    return before, names


def test_pre_trends_are_an_event_study_on_the_rows_before_treatment():
    from pyfixest import feols

    frame = staggered(1, (3, 5, 99)).assign(unit_again=lambda f: f["unit"])
    rows, names = leads(frame)
    theirs = feols(f"y ~ {' + '.join(names)} | unit + period", rows, vcov={"CRV1": "unit_again"})
    found = design(frame).pre_trends(["y"])[0]
    assert found.relative_periods == (-5, -4, -3, -2)
    assert found.estimates.tolist() == pytest.approx(theirs.coef()[names].tolist(), rel=1e-6)
    assert np.sqrt(np.diag(found.covariance)).tolist() == pytest.approx(theirs.se()[names].tolist(), rel=1e-6)


def test_no_outcome_under_treatment_is_read():
    frame = staggered(2)
    hidden = frame.assign(y=frame["y"].where(frame["d"] == 0))
    found, wanted = (design(f).pre_trends(["y"])[0] for f in (hidden, frame))
    assert found.estimates.tolist() == wanted.estimates.tolist()


def test_without_never_treated_units_a_second_period_is_the_base():
    found = design(staggered(3, (3, 5, 8))).pre_trends(["y"])[0]
    assert found.relative_periods == (-7, -6, -5, -4, -3, -2)
    assert np.isfinite(np.diag(found.covariance)).all()


def test_early_leads_share_one_coefficient(monkeypatch):
    monkeypatch.setattr(panel_pre_trends, "MAX_LEADS", 3)
    assert design(staggered(4, (5, 8, 99))).pre_trends(["y"])[0].relative_periods == (-3, -2)


def test_a_trend_before_treatment_is_seen():
    frame = staggered(5, (5, 8, 99), n_units=400)
    drifting = frame.assign(y=frame["y"] + 0.3 * frame["period"] * (frame["start"] < 99))
    found = design(drifting).pre_trends(["y"])[0]
    assert found.estimates[0] < -5 * np.sqrt(found.covariance[0, 0])
