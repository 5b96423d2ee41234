"""What the processes of a Spark have used: of a cluster on this machine, or of the Java inside the measured program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOTS = "BENCHMARK_SPARK_PROCESSES"  # process ids of a cluster: master, workers, server


class Processes:
    """Those that a cluster's parts are and have started, or one Java process."""

    def __init__(self, roots: Iterable[int]) -> None:
        self.roots = tuple(roots)

    @staticmethod
    def of(session: Any) -> Processes:
        """The cluster's where the environment names them, otherwise the Java process of a local session."""
        named = os.environ.get(ROOTS, "")
        return Processes(map(int, named.split()) if named else [session.sparkContext._gateway.proc.pid])

    def core_seconds(self) -> float:
        """Used so far, in user and kernel mode: unlike the clock, they hardly depend on what else the machine does."""
        ticks = sum(sum(map(int, fields[11:15])) for fields in self.all().values())
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak_gb(self) -> float:
        """The peaks of all of them added up, which is no less than the peak of all together."""
        return sum(_peak_kilobytes(process) for process in self.all()) * 1024 / 1e9

    def all(self) -> dict[int, list[str]]:
        """The processes and all that descend from them, with the fields of their state after the name."""
        states = {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                states[int(place.name)] = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
        found, new = {}, set(self.roots)
        while new:
            found |= {process: states[process] for process in new if process in states}
            new = {process for process, fields in states.items() if int(fields[1]) in new} - set(found)
        return found


def _peak_kilobytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
