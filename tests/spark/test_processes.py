"""What the benchmarks on Spark count: a process and all that it has started."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.runs.spark_processes import Processes

BUSY = "import time; held = bytearray({megabytes} << 20); end = time.process_time() + {seconds}\n"
BUSY += "while time.process_time() < end: pass\n"
PARENT = "import subprocess, sys\nprint(flush=True)\nchild = subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"


def started(after: str, **of_child: float) -> subprocess.Popen:
    """A process whose child is busy; it goes on as `after` says, and writes a line once that is reached."""
    command = [sys.executable, "-c", PARENT + after, BUSY.format(**of_child)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def test_what_a_child_uses_counts_while_it_runs_and_when_it_has_ended():
    with started("child.wait(); print('ended', flush=True); sys.stdin.read()", megabytes=200, seconds=0.5) as process:
        processes = Processes([process.pid])
        process.stdout.readline(), process.stdout.readline()
        assert 0.45 < processes.core_seconds() < 5.0
        assert processes.peak_gb() < 0.2  # the child's memory is gone
        process.stdin.close()


def test_memory_of_a_running_child_counts():
    with started("import time; time.sleep(60)", megabytes=200, seconds=1e9) as process:
        processes = Processes([process.pid])
        while processes.core_seconds() < 0.5:
            assert process.poll() is None
        assert 0.2 < processes.peak_gb() < 0.5
        for one in processes.all():
            os.kill(one, 9)


def test_a_process_that_is_not_there_has_used_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert Processes([process.pid]).core_seconds() == Processes([process.pid]).peak_gb() == 0
