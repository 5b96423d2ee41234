"""Whether this machine has a Java that the installed Spark runs on; asked before Spark starts and prints a stack."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from estimators.errors import Fault

NEEDED = 17  # of Spark 4
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@functools.cache
def java_fault() -> Fault | None:
    """034 where Java is missing or older than Spark 4 needs, else None. The answer holds for this process."""
    command = java_command()
    fix = f"install Java {NEEDED} or later (Debian: openjdk-{NEEDED}-jre-headless) and point JAVA_HOME to it"
    if command is None:
        home = os.environ.get("JAVA_HOME")
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "no JAVA_HOME, and no java on the PATH"
        return Fault("034", "no Java for Spark", (where,), fix)
    version = java_version(command)
    if version is not None and version < NEEDED:
        details = (f"{command} is Java {version}; Spark 4 needs {NEEDED} or later",)
        return Fault("034", "Java too old for Spark", details, fix)
    return None


def java_command() -> str | None:
    """The Java that Spark would start: of JAVA_HOME, else the first on the PATH."""
    home = os.environ.get("JAVA_HOME")
    if not home:
        return shutil.which("java")
    command = Path(home) / "bin" / "java"
    return str(command) if command.is_file() else None


def java_version(command: str) -> int | None:
    """The major version (8, 11, 17, …), or None where `java -version` does not say."""
    run = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(run.stderr + run.stdout)
    return int(found[1]) if found else None
