"""`forecast_series` on real series with known scores of other programs, its intervals, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.series_forecast_data import airpassengers, bikeshare_days
from estimators import forecast as fc
from estimators.draws import generator
from tests.forecast.refusals import refusal


def months(values: np.ndarray, name: str = "a") -> pd.DataFrame:
    dates = pd.date_range("1949-01-01", periods=len(values), freq="MS")
    return pd.DataFrame({"series": name, "time": dates, "value": values})


def mase_of(values: np.ndarray, cuts: list[int], horizon: int, season: int, point_at) -> float:
    scores = []
    for cut in cuts:
        scale = fc.seasonal_scale(values[None, :cut], season)
        scores.append(fc.mase(values[None, cut : cut + horizon], point_at(cut), scale).value)
    return float(np.mean(scores))


def test_airpassengers_is_forecast_better_than_by_auto_ets():
    values = airpassengers()

    def point_at(cut: int) -> np.ndarray:
        return fc.forecast_series(months(values[:cut]), horizon=12, season=12, series="series").point

    assert mase_of(values, [96, 108, 120, 132], 12, 12, point_at) <= 1.10  # AutoETS 1.1134


def test_bikeshare_with_temperature_is_forecast_better_than_by_auto_ets():
    days = bikeshare_days()

    def point_at(cut: int) -> np.ndarray:
        weather = {"covariates": ("temperature",), "future": days[cut : cut + 28]}
        made = fc.forecast_series(days[:cut], horizon=28, season=7, time="day", value="bikers", **weather)
        assert made.is_conditional
        return made.point

    values = days["bikers"].to_numpy()
    assert mase_of(values, [253, 281, 309, 337], 28, 7, point_at) <= 1.25  # AutoETS 1.3079, without weather


def walks(n_series: int, n: int, purpose: str) -> np.ndarray:
    return np.cumsum(generator(0, purpose).standard_normal((n_series, n)), axis=1)


def long_frame(values: np.ndarray) -> pd.DataFrame:
    n_series, n = values.shape
    return pd.DataFrame(
        {"series": np.repeat(np.arange(n_series), n), "time": np.tile(np.arange(n), n_series), "value": values.ravel()}
    )


@pytest.mark.parametrize("level", [0.5, 0.8])
def test_intervals_cover_as_often_as_they_say(level):
    values = walks(150, 68, "coverage")
    made = fc.forecast_series(long_frame(values[:, :60]), horizon=8, season=1, series="series", level=level)
    assert fc.coverage(values[:, 60:], made.lower, made.upper) == pytest.approx(level, abs=0.06)


def test_intervals_miss_when_the_future_is_unlike_the_past():
    values = walks(60, 68, "break")
    values[:, 60:] = values[:, 59:60] + 4.0 * (values[:, 60:] - values[:, 59:60])
    made = fc.forecast_series(long_frame(values[:, :60]), horizon=8, season=1, series="series")
    assert fc.coverage(values[:, 60:], made.lower, made.upper) < 0.6


def test_the_same_frame_in_any_order_gives_the_same_numbers():
    frame = long_frame(walks(5, 40, "order"))
    shuffled = frame.sample(frac=1.0, random_state=3)
    one, other = (fc.forecast_series(f, horizon=4, season=4, series="series").forecast for f in (frame, shuffled))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_what_comes_later_changes_nothing():
    values = walks(3, 50, "later")
    made = fc.forecast_series(long_frame(values[:, :44]), horizon=6, season=1, series="series")
    values[:, 44:] = 1e6
    again = fc.forecast_series(long_frame(values[:, :44]), horizon=6, season=1, series="series")
    assert np.array_equal(made.lower, again.lower)


def test_units_do_not_matter():
    frame = months(airpassengers())
    small = fc.forecast_series(frame, horizon=6, season=12, series="series")
    large = fc.forecast_series(frame.assign(value=1e6 * frame["value"]), horizon=6, season=12, series="series")
    assert large.point == pytest.approx(1e6 * small.point, rel=1e-3)  # as far as the search for parameters goes
    assert large.upper == pytest.approx(1e6 * small.upper, rel=5e-3)


def test_the_frame_names_series_and_later_periods():
    made = fc.forecast_series(months(airpassengers()), horizon=3, season=12, series="series").forecast
    assert made.columns.tolist() == ["series", "time", "step", "point", "lower", "upper"]
    assert made["time"].astype(str).tolist() == ["1961-01-01", "1961-02-01", "1961-03-01"]


def test_an_interval_of_counts_does_not_go_below_zero():
    values = generator(0, "counts").poisson(0.8, (4, 60)).astype(float)
    made = fc.forecast_series(long_frame(values), horizon=4, season=1, series="series")
    assert made.lower.min() == 0.0


def test_draws_have_the_intervals_level():
    made = fc.forecast_series(long_frame(walks(40, 60, "draws")), horizon=5, season=1, series="series")
    inside = (made.draws() >= made.lower) & (made.draws() <= made.upper)
    assert inside.mean() == pytest.approx(0.8, abs=0.02)


FRAME = months(airpassengers())


def forecast(frame: pd.DataFrame, **settings) -> None:
    fc.forecast_series(frame, **({"horizon": 12, "season": 12, "series": "series"} | settings))


def test_a_gap_in_time_is_refused_by_name():
    assert refusal(lambda: forecast(FRAME.drop(index=[20, 21]))) == (
        "gaps in time\n"
        "  series a: 2 periods are missing between 1949-01-01 00:00:00 and 1960-12-01 00:00:00: "
        "1950-09-01 00:00:00, 1950-10-01 00:00:00\n"
        "  fix: add a row for every period (a zero only if it was a zero)"
    )


def test_a_gap_in_weeks_counted_by_number_is_refused():
    frame = long_frame(walks(1, 40, "gap")).drop(index=[7])
    assert refusal(lambda: forecast(frame, season=1)) == (
        "gaps in time\n"
        "  series 0: 1 periods are missing between 0 and 39: 7\n"
        "  fix: add a row for every period (a zero only if it was a zero)"
    )


def test_a_cell_given_twice_is_refused():
    assert refusal(lambda: forecast(pd.concat([FRAME, FRAME[5:6]]))) == (
        "duplicate cells\n"
        "  series a: 1949-06-01 00:00:00 is there 2 times; 1 rows too many\n"
        "  fix: aggregate to one row per series and period"
    )


def test_a_missing_value_is_refused():
    frame = FRAME.assign(value=FRAME["value"].where(FRAME.index != 3))
    assert refusal(lambda: forecast(frame)) == (
        "missing or infinite values in a series\n"
        "  series a, value: 1 of 144, first at 1949-04-01 00:00:00\n"
        "  fix: fill or drop them on purpose; a forecast does not guess"
    )


def test_a_missing_column_is_refused():
    assert refusal(lambda: forecast(FRAME, value="rides")) == (
        "columns that are not there\n"
        "  asked for rides; the frame has series, time, value\n"
        "  fix: name the columns with series=, time=, value= and covariates="
    )


def test_a_history_too_short_to_calibrate_is_refused():
    assert refusal(lambda: forecast(FRAME[:40])) == (
        "a history too short to calibrate intervals\n"
        "  1 earlier forecasts could be checked; level 0.8 needs 4\n"
        "  fix: a longer history, a shorter horizon or a lower level"
    )


def test_a_series_that_never_changes_is_refused_with_that_reason():
    assert "  1 of 1 series repeat themselves exactly and count for none\n" in refusal(
        lambda: forecast(FRAME.assign(value=3.0))
    )


def test_beside_others_a_series_that_never_changes_has_an_interval_of_no_width():
    values = np.vstack([walks(4, 60, "constant"), np.full(60, 3.0)])
    made = fc.forecast_series(long_frame(values), horizon=4, season=1, series="series")
    assert made.lower[4] == pytest.approx(3.0)
    assert made.upper[4] == pytest.approx(3.0)


def test_a_horizon_longer_than_the_known_inputs_is_refused():
    frame = FRAME.assign(price=1.0)
    future = months(np.ones(150)).rename(columns={"value": "price"})[144:]
    assert refusal(lambda: forecast(frame, covariates=("price",), future=future)) == (
        "a horizon longer than the known inputs\n"
        "  series a: horizon 12, but price lack from 1961-07-01 00:00:00 on\n"
        "  fix: a shorter horizon, or future= with every period to forecast"
    )


def test_covariates_without_their_future_are_refused():
    assert refusal(lambda: forecast(FRAME.assign(price=1.0), covariates=("price",))) == (
        "covariates without their future\n"
        "  price: known for the history only\n"
        "  fix: pass future= with these columns for every period to forecast, or leave the covariates out"
    )


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"season": 0}, {"level": 1.0}])
def test_settings_that_make_no_forecast_are_refused(wrong):
    assert refusal(lambda: forecast(FRAME, **wrong)).startswith("a forecast that cannot be made")
