"""What can be wrong with a Spark that works on the whole: its errors as faults of ours, with the fix."""

from __future__ import annotations

import re

from estimators.errors import Fault

_VERSIONS = re.compile(r"different (?:minor )?version[^.\n]*?(\d\.\d+)\D+?(\d\.\d+)")
_LOST = ("StatusCode.UNAVAILABLE", "failed to connect to all addresses", "Connection refused")


def fault_of(text: str) -> Fault | None:
    """The fault behind the text of a Spark error; None if Spark's own words are the best there are."""
    if "PYTHON_VERSION_MISMATCH" in text:
        found = _VERSIONS.search(text)
        details = (f"the workers run Python {found[1]}, this process {found[2]}",) if found else ()
        fix = "start the cluster with PYSPARK_PYTHON set to a Python of this process's minor version"
        return Fault("034", "Spark's workers run another Python", details, fix)
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", text)
    if missing:
        fix = f"install {missing[1]} where Spark's workers run, or point PYSPARK_PYTHON to a Python that has it"
        return Fault("034", f"Spark's workers lack {missing[1]}", (), fix)
    if has_no_server(text):
        return Fault(
            "034", "no Spark server", ("the server of this session does not answer",), "start it and run again"
        )
    if "spark.driver.maxResultSize" in text:
        details = ("a result is larger than spark.driver.maxResultSize",)
        return Fault("031", "too big to be collected", details, "raise spark.driver.maxResultSize (1g by default)")
    return None


def has_no_server(text: str) -> bool:
    """Whether a Spark error says that nobody answers any more."""
    return any(sign in text for sign in _LOST)
