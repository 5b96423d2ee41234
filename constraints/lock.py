"""Writes the locked environments, core.txt, forecast.txt and all.txt, as plain pip constraints (`make lock`).

pip itself resolves, without installing anything, and reports what it would install; names and versions are all that is
kept of the report. Local version labels are cut off (``2.13.0+cpu`` satisfies ``2.13.0``), and a resolution that would
bring in CUDA packages is refused: they are gigabytes that no test here can use.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = {
    "core": ("dev", "oracles"),
    "forecast": ("dev", "oracles", "forecast"),
    "all": ("dev", "oracles", "spark", "forecast", "tfcausalimpact", "app"),
}
HEADER = """\
# The locked environment of dbt-causal[{extras}]; Python {python}. Written by `make lock`, not by hand.
# pip install -e '.[{extras}]' -c constraints/{name}.txt
"""


def resolve(extras: tuple[str, ...]) -> dict[str, str]:
    """Version by distribution, as pip would install the project with `extras` into an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", str(report), f"{ROOT}[{','.join(extras)}]"], check=True)
        items = json.loads(report.read_text())["install"]
    found = {item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"] for item in items}
    found.pop("dbt-causal")
    return {name: version.split("+")[0] for name, version in sorted(found.items())}


def lock(name: str) -> None:
    """Resolves one environment and writes ``constraints/<name>.txt``."""
    extras = ENVIRONMENTS[name]
    versions = resolve(extras)
    cuda = [package for package in versions if package.startswith(("nvidia-", "cuda-"))]
    if cuda:
        raise SystemExit(f"{name}: refused, the resolution would install {', '.join(cuda)}; make a CPU torch available")
    python = ".".join(map(str, sys.version_info[:2]))
    lines = [f"{package}=={version}\n" for package, version in versions.items()]
    head = HEADER.format(extras=",".join(extras), python=python, name=name)
    (ROOT / "constraints" / f"{name}.txt").write_text(head + "".join(lines))
    print(f"constraints/{name}.txt: {len(lines)} distributions", flush=True)


if __name__ == "__main__":
    for environment in ENVIRONMENTS:
        lock(environment)
