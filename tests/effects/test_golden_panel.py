"""Fixed effects on published data: the figures of pyfixest, linearmodels and Wooldridge's textbook."""

from __future__ import annotations

import pytest

from estimators.effects.panel import panel
from tests.datasets import kielmc, wage_panel

TERMS = ("expersq", "union", "married")
ESTIMATES = (-0.0051854977, 0.0800018541, 0.0466803754)
UNADJUSTED = (0.0007044369, 0.0193103070, 0.0183104354)
CLUSTERED = {  # by worker: linearmodels 7.1 counts every effect, pyfixest 0.60 leaves out those within a cluster
    "linearmodels": ((0.0008655287, 0.0242950637, 0.0224371014), 1e-6),
    "fixest": ((0.000810, 0.022743, 0.021004), 1e-3),  # as published, to the digits that stand there
}


def wages(**options):
    """D-FE-1: log wage on squared experience, union membership and marriage, with worker and year effects."""
    return panel(wage_panel(), "nr", "year", TERMS, "lwage", **options)


def test_wage_panel_coefficients():
    assert wages().effects["estimate"].tolist() == pytest.approx(ESTIMATES, abs=5e-11)


def test_wage_panel_unadjusted_standard_errors():
    found = wages(cov="unadjusted").effects["std_error"].tolist()
    assert found == pytest.approx(UNADJUSTED, rel=1e-6)


@pytest.mark.parametrize("convention", CLUSTERED)
def test_wage_panel_standard_errors_clustered_by_worker(convention):
    published, tolerance = CLUSTERED[convention]
    found = wages(convention=convention)
    assert found.effects["std_error"].tolist() == pytest.approx(published, rel=tolerance)
    assert found.se_convention == f"CRV1 ({convention}) by nr"


def test_the_two_conventions_differ_by_their_factors_alone():
    """fixest: 3 slopes, 7 years and 1 for the workers, who are the clusters; linearmodels: all 552 effects."""
    factors = {"fixest": 4359 / (4360 - 11) * 545 / 544, "linearmodels": 4360 / (4360 - 555)}
    ours, theirs = (wages(convention=c).effects["std_error"].to_numpy() for c in factors)
    assert ours / theirs == pytest.approx([(factors["fixest"] / factors["linearmodels"]) ** 0.5] * 3, rel=1e-12)


def garbage(outcome, covariates=(), **options):
    """D-DID-1: houses near an incinerator, before and after it was announced (Wooldridge, example 13.3)."""
    options = {"effects": (), **options}
    return panel(kielmc(), "house", "year", "y81nrinc", outcome, ("y81", "nearinc", *covariates), **options)


def test_incinerator_price_effect_with_the_textbook_standard_error():
    found = garbage("rprice", cov="unadjusted")
    assert found.estimate == pytest.approx(-11863.9032521, rel=1e-8)
    assert found.std_error == pytest.approx(7456.6461733, rel=1e-8)


def test_incinerator_price_effect_with_the_robust_standard_error():
    assert garbage("rprice", cov="robust").std_error == pytest.approx(8635.5852717, rel=1e-8)


def test_incinerator_effect_on_log_prices_given_the_houses():
    covariates = ("age", "agesq", "lintst", "lland", "larea", "rooms", "baths")
    found = garbage("lprice", covariates, cov="unadjusted")
    assert found.estimate == pytest.approx(-0.1315133425, rel=1e-8)
    assert found.std_error == pytest.approx(0.0519711941, rel=1e-8)
