"""Runs what the README tells a reader to type: ``python -m tests.readme_commands``, the last step of ``make test``.

`make` runs here, as it would in a clone. Everything else runs in a copy of the project, so that it may write files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.source_tree import ROOT, project_files

BLOCK = re.compile(r"^```(?:bash|sh|shell|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUNNING_NOW = {"make test"}


@dataclass(frozen=True)
class Block:
    """One fenced block. targets: its `make` commands; script: the other commands, in order."""

    targets: tuple[str, ...]
    script: tuple[str, ...]


def blocks(readme: str) -> list[Block]:
    """The shell blocks of a README, without comments, prompts, and the two lines that fetch the project itself."""
    return [_block(body) for body in BLOCK.findall(readme)]


def _block(body: str) -> Block:
    lines = [re.sub(r"(^|\s)#.*$", "", line).removeprefix("$ ").strip() for line in body.splitlines()]
    kept, is_cloned = [], False
    for line in filter(None, lines):
        if not (line.startswith("git clone") or (is_cloned and line.startswith("cd "))):
            kept.append(line)
        is_cloned = line.startswith("git clone")
    targets = tuple(line for line in kept if line.startswith("make "))
    return Block(targets, tuple(line for line in kept if line not in targets))


def run(block: Block, copy: Path) -> None:
    """Runs one block; CalledProcessError is the first command that fails."""
    for target in block.targets:
        if target not in RUNNING_NOW:
            print(f"  {target}", flush=True)
            subprocess.run(target.split(), cwd=ROOT, check=True)
    if block.script:
        print("  " + "\n  ".join(block.script), flush=True)
        environment = {**os.environ, "CAUSAL_DB": str(copy / "build" / "causal.duckdb")}
        script = "set -euo pipefail\n" + "\n".join(block.script)
        subprocess.run(["bash", "-c", script], cwd=copy, env=environment, check=True)


def copied(folder: Path) -> Path:
    """A copy of the project with the data of its example, ready for dbt."""
    for path in (*project_files(), *(p.relative_to(ROOT) for p in (ROOT / "dbt_project" / "data").rglob("*.*"))):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    (folder / "build").mkdir()
    subprocess.run(["dbt", "--quiet", "deps"], cwd=folder / "dbt_project", check=True)
    return folder


def main() -> int:
    """Exit status: 0 all commands worked, 1 one did not (it has said why), 2 the README has none."""
    found = blocks((ROOT / "README.md").read_text())
    if not any(block.targets or block.script for block in found):
        print("README.md has no shell commands", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        try:
            for i, block in enumerate(sorted(found, key=lambda b: bool(b.script))):
                if block.script and not (copy / "build").exists():
                    copied(copy)
                print(f"block {i + 1} of {len(found)}", flush=True)
                run(block, copy)
        except subprocess.CalledProcessError as error:
            print(f"a command of README.md ended with status {error.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
