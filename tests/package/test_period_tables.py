"""Panels and series against counts made by hand: windows, periods, late events, exclusions, leaks, refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from estimators.study_parts import Periods
from tests.package.consumer import Consumer

PROBE = Path(__file__).parent / "period_probe"
ROLLOUT = "models/studies/rollout.yml"
PERIODS = 'periods: {first_on: "2024-02-01", every: month, n_periods: 3}'


@pytest.fixture(scope="module")
def probe(built: Consumer, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The built project with a panel and a table of series beside, of which only the study tables are built."""
    consumer = built.copy_to(tmp_path_factory.mktemp("periods") / "project")
    shutil.copytree(PROBE, consumer.folder, dirs_exist_ok=True)
    consumer.replace("dbt_project.yml", "studies: [good, bad]", "studies: [good, bad, rollout, towns]")
    outcome = consumer.build("+rollout", "+towns")
    assert outcome.success, outcome.text
    return consumer


@pytest.fixture
def copied(probe: Consumer, tmp_path: Path) -> Consumer:
    return probe.copy_to(tmp_path / "project")


def of_buyer(consumer: Consumer, columns: str, unit: int = 1) -> list[tuple]:
    return consumer.query(f"select {columns} from rollout where unit_id = {unit} order by period")


@pytest.mark.parametrize(
    ("column", "by_period"),
    [
        ("covariate_spend_30d", [1.0, 6.0, 13.0]),
        ("covariate_all_orders", [1, 3, 5]),
        ("covariate_spend_before_gap", [0.0, 0.0, 3.0]),
        ("outcome_spend", [5.0, 15.0, 7.0]),
        ("outcome_spend_mean", [2.5, 5.0, 7.0]),
        ("outcome_spend_rate", [5 / 29, 15 / 31, 7 / 30]),
        ("outcome_n_shops", [2, 1, 1]),
        ("outcome_spend_last", [3.0, 5.0, 7.0]),
        ("negative_control_n_orders", [2, 3, 1]),
    ],
)
def test_a_column_of_a_panel_is_what_a_count_by_hand_gives(probe: Consumer, column: str, by_period: list) -> None:
    assert [value for (value,) in of_buyer(probe, column)] == by_period


def test_a_buyer_without_orders_has_zero_of_what_is_counted_and_null_of_means(probe: Consumer) -> None:
    columns = "covariate_spend_30d, outcome_spend, outcome_spend_rate, outcome_spend_mean, outcome_spend_last"
    assert of_buyer(probe, columns, unit=2) == [(0.0, 0.0, 0.0, None, None)] * 3


def test_the_index_is_the_beginning_of_the_period_or_the_treatment_if_that_comes_first(probe: Consumer) -> None:
    assert of_buyer(probe, "cast(index_at as varchar)") == [
        ("2024-02-01 00:00:00",),
        ("2024-03-01 00:00:00",),
        ("2024-03-15 12:00:00",),
    ]


def test_the_audit_columns_of_a_panel_are_the_last_event_before_the_index_and_the_ends_of_the_period(
    probe: Consumer,
) -> None:
    columns = "latest_covariate_at", "earliest_outcome_at", "latest_outcome_at", "outcome_ends_at"
    last = of_buyer(probe, ", ".join(f"cast({c} as varchar)" for c in columns))[2]
    assert last == (
        "2024-03-15 11:59:59.999999",
        "2024-04-30 23:59:59.999999",
        "2024-04-30 23:59:59.999999",
        "2024-05-01 00:00:00",
    )


@pytest.mark.parametrize(
    ("unit", "cohort", "treatment"),
    [
        (1, 2, [0, 1, 1]),
        (2, None, [0, 0, 0]),
        (3, 1, [1, 1, 1]),
        (4, None, [0, 0, 0]),
        (8, 2, [0, 1, 1]),
    ],
)
def test_the_cohort_is_the_first_period_under_treatment(
    probe: Consumer, unit: int, cohort: int | None, treatment: list[int]
) -> None:
    assert of_buyer(probe, "cohort, treatment", unit) == [(cohort, t) for t in treatment]


@pytest.mark.parametrize(
    ("unit", "exclusions"),
    [(1, [None] * 3), (5, ["not eligible", None, None]), (6, ["no index time"] * 3), (7, [None] * 6)],
)
def test_rows_of_a_panel_are_flagged_and_never_dropped(probe: Consumer, unit: int, exclusions: list) -> None:
    assert [reason for (reason,) in of_buyer(probe, "exclusion", unit)] == exclusions


def test_a_buyer_that_stands_twice_in_the_cohort_is_not_counted_twice(probe: Consumer) -> None:
    assert of_buyer(probe, "period, outcome_spend", unit=7) == [(1, 0.0)] * 2 + [(2, 40.0)] * 2 + [(3, 0.0)] * 2


def test_only_known_columns_of_the_cohort_are_in_a_panel(probe: Consumer) -> None:
    columns = {name for name, *_ in probe.query("describe rollout")}
    assert {"weight", "period_starts_at"} <= columns
    assert "email" not in columns


def test_a_period_that_may_be_anticipated_moves_the_index_before_it(copied: Consumer) -> None:
    copied.replace(ROLLOUT, PERIODS, f"{PERIODS}\n          anticipation_periods: 1")
    assert copied.build("rollout").success
    assert of_buyer(copied, "period, covariate_spend_30d, cohort, treatment") == [
        (1, 1.0, 2, 0),
        (2, 1.0, 2, 1),
        (3, 1.0, 2, 1),
    ]


def test_the_same_as_of_gives_the_same_panel_when_late_events_arrive(copied: Consumer) -> None:
    tables = ("rollout", "towns")
    rows = "select * exclude (definition_hash) from {} order by all"
    before = [copied.query(rows.format(table)) for table in tables]
    copied.query(
        "insert into feat_orders select buyer, ordered_at, timestamp '2024-06-01 00:00:00', shop, 999 from feat_orders"
    )
    copied.build(*tables)
    assert [copied.query(rows.format(table)) for table in tables] == before


def test_a_dose_counts_from_the_period_in_which_it_begins(copied: Consumer) -> None:
    copied.replace(ROLLOUT, "methods: [did]", "methods: [panel]\n          treatment_kind: continuous")
    copied.replace("models/studies/rollout__cohort.sql", "(1, 1, timestamp", "(1, 2.5, timestamp")
    assert copied.build("rollout__cohort", "rollout").success
    assert of_buyer(copied, "treatment") == [(0,), (2.5,), (2.5,)]


@pytest.mark.parametrize(
    ("column", "by_period"),
    [
        ("outcome_spend", [2.5, 7.5, 3.5]),
        ("outcome_spend_mean", [2.5, 5.0, 7.0]),
        ("outcome_spend_rate", [2.5 / 29, 7.5 / 31, 3.5 / 30]),
        ("outcome_n_shops", [1.0, 0.5, 0.5]),
        ("n_units", [2, 2, 2]),
        ("treatment", [1, 1, 1]),
        ("cohort", [2, 2, 2]),
    ],
)
def test_a_column_of_a_series_is_the_mean_over_its_units(probe: Consumer, column: str, by_period: list) -> None:
    rows = probe.query(f"select {column} from towns where series_id = 'north' order by period")
    assert [value for (value,) in rows] == pytest.approx(by_period, rel=1e-15)


def test_a_unit_counts_in_its_series_from_when_it_is_eligible_and_once(probe: Consumer) -> None:
    rows = probe.query("select n_units, outcome_spend from towns where series_id = 'south' order by period")
    assert rows == [(2, 5.0), (3, 70 / 3), (3, 0.0)]


def test_the_sum_over_units_is_taken_where_the_definition_says_so(copied: Consumer) -> None:
    copied.replace("models/studies/towns.yml", "methods: [bsts]", "methods: [bsts]\n          aggregate: sum")
    assert copied.build("towns").success
    rows = copied.query("select outcome_spend, outcome_spend_mean from towns where series_id = 'north' order by period")
    assert rows == [(5.0, 2.5), (15.0, 5.0), (7.0, 7.0)]


def test_all_series_carry_the_moment_of_the_intervention(probe: Consumer) -> None:
    assert probe.query("select distinct cast(treated_at as varchar) from towns") == [("2024-03-15 12:00:00",)]


@pytest.mark.parametrize(
    ("series", "exclusions"),
    [
        ("north", [None, None, None]),
        ("empty", ["no units", "no units", None]),
        ("mixed", ["units of both arms"] * 3),
    ],
)
def test_series_are_flagged_and_never_dropped(probe: Consumer, series: str, exclusions: list) -> None:
    rows = probe.query(f"select exclusion from towns where series_id = '{series}' order by period")
    assert [reason for (reason,) in rows] == exclusions


def test_a_series_without_units_is_null_and_not_zero(probe: Consumer) -> None:
    rows = probe.query("select outcome_spend from towns where series_id = 'empty' order by period")
    assert rows == [(None,), (None,), (0.0,)]


def test_without_a_series_id_every_unit_is_a_series(copied: Consumer) -> None:
    copied.write(
        "models/studies/towns__cohort.sql", "select 1 as unit_id, 1 as treatment, timestamp '2024-03-15' as treated_at"
    )
    assert copied.build("towns__cohort", "towns").success
    assert copied.query("select series_id, outcome_spend from towns order by period") == [(1, 5.0), (1, 15.0), (1, 7.0)]


@pytest.mark.parametrize(
    ("table", "source"), [("rollout", "feat_orders"), ("rollout", "feat_profile"), ("towns", "feat_orders")]
)
def test_each_source_of_a_table_with_periods_is_scanned_once(probe: Consumer, table: str, source: str) -> None:
    [file] = probe.folder.glob(f"target/compiled/consumer/**/{table}.sql")
    assert file.read_text().count(f'"{source}" as event') == 1


def test_the_macro_and_the_definition_mean_the_same_periods(copied: Consumer) -> None:
    """Leap days, ends of years, and every unit of the calendar, to the microsecond."""
    declared = {
        f"calendar_{every}_{first_on[:4]}": {"first_on": first_on, "every": every, "n_periods": n}
        for first_on, n in (("2023-11-28", 40), ("1999-12-31", 800))
        for every in ("day", "week", "month", "quarter", "year")
        if every in ("day", "week") or n == 40
    }
    for name, periods in declared.items():
        rows = f"causal.period_rows(causal.period_boundaries({{'periods': {periods}, 'as_of': '2999-01-01'}}))"
        copied.write(f"models/calendars/{name}.sql", f"{{{{ {rows} }}}}\n")
    assert copied.build(*declared).success
    for name, periods in declared.items():
        moments = [round(moment.timestamp() * 1e6) for moment in Periods(**periods).boundaries()]
        expected = list(zip(range(1, len(moments)), moments, moments[1:], strict=False))
        assert copied.query(f"select * from {name} order by period") == expected, name


COVARIATES, OUTCOMES = "rollout_covariates_precede_treatment", "rollout_outcomes_follow_treatment"


@pytest.mark.parametrize(
    ("test", "leak"),
    [
        (COVARIATES, "latest_covariate_at = period_starts_at where unit_id = 2 and period = 1"),
        (COVARIATES, "latest_covariate_at = treated_at where unit_id = 1 and period = 3"),
        (COVARIATES, "latest_covariate_at = timestamp '2024-03-31' where unit_id = 1 and period = 3"),
        (COVARIATES, "index_at = timestamp '2024-02-10' where unit_id = 1 and period = 2"),
        (OUTCOMES, "earliest_outcome_at = period_starts_at - interval 1 microsecond where unit_id = 1 and period = 1"),
        (OUTCOMES, "latest_outcome_at = outcome_ends_at where unit_id = 1 and period = 1"),
        (OUTCOMES, "cohort = 3 where unit_id = 1 and period = 2"),
        (OUTCOMES, "cohort = null where unit_id = 8 and period = 2"),
    ],
)
def test_a_leak_in_a_panel_is_caught(probe: Consumer, test: str, leak: str) -> None:
    assert probe.violations(test, "select 1") == 0
    assert probe.violations(test, f"update rollout set {leak}") == 1


@pytest.mark.parametrize(
    ("leak", "violations"),
    [
        ("earliest_outcome_at = period_starts_at - interval 1 day where series_id = 'north' and period = 1", 1),
        ("cohort = 3 where series_id = 'south'", 1),
        ("outcome_spend = 7 where series_id = 'south'", 0),
    ],
)
def test_a_leak_in_series_is_caught(probe: Consumer, leak: str, violations: int) -> None:
    assert probe.violations("towns_outcomes_follow_treatment", f"update towns set {leak}") == violations


@pytest.mark.usefixtures("without_plugin")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('as_of: "2024-06-01"', 'as_of: "2024-04-30"', "CAUSAL-033 the last period has not ended"),
        ("- spend_30d", "- {feature: spend_30d, gap_days: -1}", "covariate_spend_30d: the window ends 1 days after"),
        ("- spend_30d", "- spend_3d", "CAUSAL-003 unknown confounder spend_3d; did you mean `spend_30d`?"),
        ("methods: [did]", "methods: [did]\n          cluster: town", "rollout__cohort has no column town"),
    ],
)
def test_what_a_panel_cannot_be_does_not_compile(copied: Consumer, old: str, new: str, message: str) -> None:
    copied.replace(ROLLOUT, old, new)
    outcome = copied.dbt("compile", "--select", "rollout")
    assert not outcome.success
    assert message in outcome.text


def test_an_instrument_has_to_be_a_column_of_the_cohort(consumer: Consumer) -> None:
    yml = "models/studies/good/good.yml"
    consumer.replace(yml, "          checks:", "          instruments: [lottery]\n          checks:")
    assert "good__cohort has no column instrument_lottery" in consumer.dbt("compile", "--select", "good").text
