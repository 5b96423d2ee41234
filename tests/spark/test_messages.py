"""What a user reads when Spark cannot be used: one short message with the fix, never a JVM's stack."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from dbt_causal import java
from dbt_causal.run import StudyFailed, run_study
from dbt_causal.spark_connection import leftover_location
from dbt_causal.spark_errors import fault_of, without_stack
from estimators.warehouse import spark_faults

STACK = (
    "\n\tat org.apache.spark.sql.errors.QueryExecutionErrors$.x(QueryExecutionErrors.scala:1)\n\tat java.base/y(Z.java)"
)


@pytest.fixture(autouse=True)
def _asked_anew():
    java.java_fault.cache_clear()
    yield
    java.java_fault.cache_clear()


def java_that_says(folder: Path, version: str) -> Path:
    """A home of Java whose `java -version` prints this version."""
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2021-01-01' >&2\n")
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    return folder


def test_java_8_is_too_old(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path, "1.8.0_392")))
    assert str(java.java_fault()) == (
        "CAUSAL-034 Java too old for Spark\n"
        f"  {tmp_path}/bin/java is Java 8; Spark 4 needs 17 or later\n"
        "  fix: install Java 17 or later (Debian: openjdk-17-jre-headless) and point JAVA_HOME to it\n"
        "  more: docs/errors.md#causal-034"
    )


def test_java_21_will_do(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path, "21.0.2")))
    assert java.java_fault() is None


def test_a_machine_without_java_is_told_so(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "CAUSAL-034 no Java for Spark\n  no JAVA_HOME, and no java on the PATH\n" in str(java.java_fault())


def test_a_java_home_without_java_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert f"  JAVA_HOME is {tmp_path}, which has no bin/java\n" in str(java.java_fault())


def test_a_table_format_without_its_jars_is_named():
    text = (
        "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta. Make sure the provider name is correct." + STACK
    )
    assert str(fault_of(text)) == (
        "CAUSAL-034 table format not installed\n"
        "  this Spark cannot read or write delta\n"
        "  fix: set +file_format: parquet in dbt_project.yml, or start Spark with that format's jars "
        "(spark.jars.packages)\n"
        "  more: docs/errors.md#causal-034"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than in driver: 3.11" + STACK,
        "ModuleNotFoundError: No module named 'pyarrow'" + STACK,
        "bigger than spark.driver.maxResultSize (1 GiB)" + STACK,
    ],
)
def test_what_an_estimator_can_meet_is_said_in_the_same_words(text):
    assert fault_of(text) == spark_faults.fault_of(text) is not None


@pytest.mark.parametrize("text", ["StatusCode.UNAVAILABLE", "Could not connect to any of [('127.0.0.1', 10000)]"])
def test_a_server_that_is_gone_is_named(text):
    assert str(fault_of(text + STACK)).startswith("CAUSAL-034 no Spark server\n  nothing answers at the address of the")


def test_a_metastore_that_another_process_holds_is_named():
    text = "XSDB6: Another instance of Derby may have already booted the database /somewhere/metastore_db." + STACK
    assert str(fault_of(text)).startswith("CAUSAL-032 metastore in use\n")


def test_an_error_that_we_do_not_know_keeps_its_words_and_loses_its_stack():
    text = "[TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found." + STACK
    assert fault_of(text) is None
    assert without_stack(text) == "[TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found."


def test_values_of_rows_are_left_out_of_errors():
    text = '[CAST_INVALID_INPUT] The value \'ann@example.org\' of the type "STRING" cannot be cast to "DOUBLE".' + STACK
    assert "ann" not in without_stack(text)
    assert "CAST_INVALID_INPUT" in without_stack(text)


def spark_error(text: str, kind: str = "SparkConnectGrpcException") -> Exception:
    return type(kind, (Exception,), {"__module__": "pyspark.errors.exceptions.connect"})(text)


@pytest.mark.parametrize(
    "error",
    [
        spark_error("<_MultiThreadedRendezvous of RPC that terminated with StatusCode.UNAVAILABLE>"),
        spark_error("[INVALID_HANDLE.SESSION_CHANGED] The existing Spark server driver instance has restarted."),
        spark_error("An error occurred while trying to connect to the Java server", "Py4JNetworkError"),
    ],
)
def test_a_driver_that_dies_in_the_middle_of_a_study_is_no_fault_of_the_study(error):
    with pytest.raises(StudyFailed, match="CAUSAL-034 Spark was lost"):
        run_with(error)


@pytest.mark.parametrize(
    "text",
    [
        "[NO_ACTIVE_SESSION] No active Spark session found.",
        "Py4JJavaError: java.lang.IllegalStateException: SparkContext was shut down",
    ],
)
def test_a_statement_that_finds_no_driver_any_more_says_so(text):
    fault = fault_of(text + STACK)
    assert str(fault).startswith("CAUSAL-034 Spark was lost\n  its driver ended, or nothing answers any more;")
    assert "what was published before is untouched" in str(fault)


def test_a_value_that_spark_cannot_use_blocks_the_study():
    found = run_with(
        spark_error("[CAST_INVALID_INPUT] The value 'ann@example.org' cannot be cast", "NumberFormatException")
    )
    (check,) = [json.loads(p) for p in found.loc[found["record"] == "check", "payload"]]
    assert (check["status"], check["code"]) == ("fail", "028")
    assert "example.org" not in found.to_json()


def test_another_error_of_spark_is_a_fault_of_the_program():
    with pytest.raises(StudyFailed, match="CAUSAL-000"):
        run_with(spark_error("[UNRESOLVED_COLUMN] a column cannot be resolved", "AnalysisException"))


def run_with(error: Exception):
    """What a study does whose first query raises this."""

    def broken(*arguments, **keywords):
        raise error

    context = {"studies": {"s": {"definition": {}, "definition_hash": "h"}}, "invocation_id": "r"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dbt_causal.run._analysed", broken)
        return run_study(context, None)


def test_the_folder_that_a_killed_build_left_is_read_from_the_error():
    text = (
        "[LOCATION_ALREADY_EXISTS] Cannot name the managed table as `spark_catalog`.`causal`.`x`, as its associated "
        "location 'file:/data/warehouse/causal.db/x' already exists. Please pick a different table name" + STACK
    )
    assert leftover_location(text) == "file:/data/warehouse/causal.db/x"


def test_no_folder_is_read_from_another_error():
    assert leftover_location("[TABLE_OR_VIEW_NOT_FOUND] location 'file:/data' is not there") is None
