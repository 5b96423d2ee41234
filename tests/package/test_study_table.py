"""The study table against counts made by hand: aggregations, nulls, late events, exclusions, duplicates, refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.package.consumer import Consumer

PROBE = Path(__file__).parent / "probe"


@pytest.fixture(scope="module")
def probe(built: Consumer, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The built project with the study `probe` beside, of which only the study table is built."""
    consumer = built.copy_to(tmp_path_factory.mktemp("probe") / "project")
    shutil.copytree(PROBE, consumer.folder, dirs_exist_ok=True)
    consumer.replace("dbt_project.yml", "studies: [good, bad]", "studies: [good, bad, probe]")
    outcome = consumer.build("+probe")
    assert outcome.success, outcome.text
    return consumer


@pytest.mark.parametrize(
    ("column", "with_events", "without_events"),
    [
        ("covariate_n_visits", 3, 0),
        ("covariate_n_shops", 2, 0),
        ("covariate_spend", 7.0, 0.0),
        ("covariate_spend_mean", 3.5, None),
        ("covariate_spend_max", 5.0, None),
        ("covariate_spend_min", 2.0, None),
        ("covariate_spend_last", 5.0, None),
        ("covariate_spend_rate", 1.0, 0.0),
        ("covariate_f_30_day_visits", 4, 0),
        ("covariate_all_visits", 5, 0),
        ("covariate_before_gap", 1, 0),
        ("outcome_spend_next_7d", 11.0, 0.0),
        ("outcome_spend_second_week", 13.0, 0.0),
        ("placebo_spend_before", 100.0, 0.0),
        ("shifted_outcome_spend_second_week", 7.0, 0.0),
        ("shifted_outcome_spend_next_7d", 0.0, 0.0),
        ("shifted_covariate_n_visits", 1, 0),
    ],
)
def test_a_column_is_what_a_count_by_hand_gives(
    probe: Consumer, column: str, with_events: float, without_events: float | None
) -> None:
    assert probe.query(f"select {column} from probe where unit_id in (1, 2) order by unit_id") == [
        (with_events,),
        (without_events,),
    ]


def test_there_is_one_row_per_row_of_the_cohort(probe: Consumer) -> None:
    counts = "select unit_id, count(*) from {} group by all order by 1"
    assert probe.query(counts.format("probe")) == probe.query(counts.format("probe__cohort"))


def test_a_duplicate_unit_stays_visible_and_is_not_counted_twice(probe: Consumer) -> None:
    assert probe.query("select covariate_n_visits from probe where unit_id = 3") == [(1,), (1,)]


def test_a_unit_with_two_index_times_has_the_windows_of_each(probe: Consumer) -> None:
    rows = probe.query("select treated_at, covariate_n_visits from probe where unit_id = 8 order by 1")
    assert [n for _, n in rows] == [0, 2]


@pytest.mark.parametrize(
    ("unit", "exclusions"),
    [
        (1, [None]),
        (4, ["no index time"]),
        (5, ["not eligible"]),
        (6, ["treated later"]),
        (7, [None]),
        (8, [None, "crossed over"]),
        (9, ["crossed over", "crossed over"]),
        (10, [None]),
    ],
)
def test_rows_are_flagged_and_never_dropped(probe: Consumer, unit: int, exclusions: list) -> None:
    rows = probe.query(f"select exclusion from probe where unit_id = {unit} order by treated_at, treatment")
    assert [reason for (reason,) in rows] == exclusions


def test_events_at_or_after_as_of_do_not_exist(probe: Consumer) -> None:
    """Unit 10 spends 1 before as_of, 1000 at as_of, and 500 before it that were only recorded at as_of."""
    assert probe.query("select outcome_spend_next_7d from probe where unit_id = 10") == [(1.0,)]


def test_the_same_as_of_gives_the_same_table_when_late_events_arrive(probe: Consumer, tmp_path: Path) -> None:
    consumer = probe.copy_to(tmp_path / "project")
    before = consumer.query("select * exclude (definition_hash) from probe order by all")
    consumer.query(
        "insert into feat_visits"
        " select unit_id, happened_at, timestamp '2026-04-02 00:00:00', shop, 999 from feat_visits"
    )
    consumer.build("probe")
    assert consumer.query("select * exclude (definition_hash) from probe order by all") == before


def test_the_audit_columns_are_the_last_event_before_and_the_first_after(probe: Consumer) -> None:
    audit = (
        "cast(latest_covariate_at as varchar), cast(earliest_outcome_at as varchar), cast(outcome_ends_at as varchar)"
    )
    assert probe.query(f"select {audit} from probe where unit_id = 1") == [
        ("2026-03-09 23:59:59.999999", "2026-03-10 00:00:00", "2026-03-24 00:00:00")
    ]


def test_the_bucket_is_the_md5_of_the_unit(probe: Consumer) -> None:
    import hashlib

    expected = int(hashlib.md5(b"1").hexdigest()[:8], 16)
    assert probe.query("select unit_bucket, typeof(unit_bucket) from probe where unit_id = 1") == [(expected, "BIGINT")]


def test_the_treatment_passes_as_it_is_in_the_cohort(probe: Consumer) -> None:
    assert probe.query("select distinct treatment from probe order by 1") == [("no",), ("yes",)]


def test_only_known_columns_of_the_cohort_are_carried(probe: Consumer) -> None:
    columns = [name for name, *_ in probe.query("describe probe")]
    assert columns[:6] == ["unit_id", "treatment", "treated_at", "segment_region", "later_treated_at", "eligible_at"]
    assert "email" not in columns
    assert "cluster_id" in columns


def test_each_source_model_is_scanned_once(probe: Consumer) -> None:
    [file] = probe.folder.glob("target/compiled/consumer/**/probe.sql")
    sql = file.read_text()
    assert (sql.count('"feat_visits" as event'), sql.count('"feat_profile" as event')) == (1, 1)


@pytest.mark.parametrize("model", ["windows_of_timestamptz", "periods_of_timestamptz"])
def test_windows_and_periods_do_not_depend_on_the_time_zone_of_the_session(probe: Consumer, model: str) -> None:
    """Every zone that the engine knows gives the same rows, over moments around both clock changes of a year."""
    [file] = probe.folder.glob(f"target/compiled/consumer/**/{model}.sql")
    with duckdb.connect(str(probe.database)) as connection:
        connection.execute("begin")
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "insert into timestamptz_events"
            " select 'moment', make_timestamptz(t * 1800000000), make_timestamptz(u * 86400000000)"
            " from range(985536, 1003056, 7) as moments(t), range(20532, 20897, 45) as days(u)"
        )
        summary = f"select count(*), bit_xor(hash(flagged)) from ({file.read_text()}) as flagged"
        expected = connection.execute(summary).fetchone()
        zones = [zone for (zone,) in connection.execute("select distinct name from pg_timezone_names()").fetchall()]
        for zone in zones[::10]:
            connection.execute(f"set timezone = '{zone}'")
            assert connection.execute(summary).fetchone() == expected, zone
        connection.execute("rollback")
    assert len(zones) > 400


GOOD = "models/studies/good/good.yml"
OUTCOME = "{feature: minutes, name: minutes_next_7d, start_days: 0, window_days: 7}"
CONFOUNDER = "{feature: Minutes, window_days: 28, gap_days: 1, name: minutes_28d}"
PLACEBO = "placebo_outcomes: [{feature: minutes, window_days: 7, gap_days: 35, name: minutes_5w_before}]"


@pytest.mark.usefixtures("without_plugin")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            CONFOUNDER,
            CONFOUNDER.replace("gap_days: 1", "gap_days: -3"),
            "covariate_minutes_28d: the window ends 3 days after",
        ),
        (
            CONFOUNDER,
            CONFOUNDER.replace("window_days: 28", "window_days: 0"),
            "covariate_minutes_28d: a window of 0 days",
        ),
        (
            PLACEBO,
            PLACEBO.replace("gap_days: 35", "gap_days: -1"),
            "placebo_minutes_5w_before: the window ends 1 days after",
        ),
        (
            OUTCOME,
            OUTCOME.replace("start_days: 0", "start_days: -1"),
            "outcome_minutes_next_7d: the outcome window begins 1",
        ),
        (
            OUTCOME,
            OUTCOME.replace("window_days: 7", "window_days: null"),
            "outcome_minutes_next_7d: an outcome window of",
        ),
        (
            PLACEBO,
            PLACEBO + "\n            placebo_in_time: {shift_days: 6}",
            "shifted_outcome_minutes_next_7d: shifted back by 6 days the window still reaches treatment",
        ),
    ],
)
def test_a_window_that_crosses_treatment_does_not_compile(consumer: Consumer, old: str, new: str, message: str) -> None:
    consumer.replace(GOOD, old, new)
    outcome = consumer.dbt("compile", "--select", "good")
    assert not outcome.success
    assert "CAUSAL-017 window crosses treatment\n" in outcome.text
    assert f"  {message}" in outcome.text


@pytest.mark.usefixtures("without_plugin")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- sessions_7d", "- sesions_7d", "CAUSAL-003 unknown confounder sesions_7d; did you mean `sessions_7d`?"),
        (
            "- sessions_7d",
            "- zzz",
            "CAUSAL-003 unknown confounder zzz; registered: age, minutes, platform, sessions_7d",
        ),
        ("checks:", "segments: [continent]\n          checks:", "good__cohort has no column segment_continent"),
    ],
)
def test_an_unknown_name_does_not_compile(consumer: Consumer, old: str, new: str, message: str) -> None:
    consumer.replace(GOOD, old, new)
    assert message in consumer.dbt("compile", "--select", "good").text


@pytest.mark.usefixtures("without_plugin")
def test_a_feature_without_an_event_time_is_refused(consumer: Consumer) -> None:
    consumer.replace("models/confounders/feat_profile.yml", "          event_at: measured_on\n", "")
    text = consumer.dbt("compile", "--select", "good").text
    assert "covariate_age: feat_profile declares no event_at" in text
