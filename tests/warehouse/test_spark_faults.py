"""What Spark says when it cannot be used, as messages of ours."""

from __future__ import annotations

from estimators.warehouse.spark_faults import fault_of

OTHER_PYTHON = (
    "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.10 than that in driver: 3.11, PySpark cannot "
    "run with different minor versions.\nPlease check environment variables PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON."
)


def test_workers_with_another_python_are_named_with_the_fix():
    assert str(fault_of(OTHER_PYTHON)) == (
        "CAUSAL-034 Spark's workers run another Python\n"
        "  the workers run Python 3.10, this process 3.11\n"
        "  fix: start the cluster with PYSPARK_PYTHON set to a Python of this process's minor version\n"
        "  more: docs/errors.md#causal-034"
    )


def test_a_library_that_workers_lack_is_named_with_the_fix():
    text = "pyspark.errors.exceptions.base.PythonException:\nModuleNotFoundError: No module named 'pyarrow'\n\tat Foo"
    assert str(fault_of(text)) == (
        "CAUSAL-034 Spark's workers lack pyarrow\n"
        "  fix: install pyarrow where Spark's workers run, or point PYSPARK_PYTHON to a Python that has it\n"
        "  more: docs/errors.md#causal-034"
    )


def test_a_server_that_is_gone_is_named_with_the_fix():
    assert str(fault_of("<_MultiThreadedRendezvous ... StatusCode.UNAVAILABLE details = ...>")) == (
        "CAUSAL-034 no Spark server\n"
        "  the server of this session does not answer\n"
        "  fix: start it and run again\n"
        "  more: docs/errors.md#causal-034"
    )


def test_a_result_above_the_limit_of_spark_is_refused_with_its_name():
    text = "Total size of serialized results of 8 tasks (1.1 GiB) is bigger than spark.driver.maxResultSize (1 GiB)"
    assert str(fault_of(text)) == (
        "CAUSAL-031 too big to be collected\n"
        "  a result is larger than spark.driver.maxResultSize\n"
        "  fix: raise spark.driver.maxResultSize (1g by default)\n"
        "  more: docs/errors.md#causal-031"
    )


def test_an_error_of_the_sql_keeps_the_words_of_spark():
    assert fault_of("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `z` cannot be resolved.") is None
