"""What the README tells a reader to type is found, and a command that fails is noticed."""

from __future__ import annotations

import subprocess

import pytest

from tests.readme_commands import ROOT, Block, blocks, run

README = """
```bash
git clone https://example.org/dbt-causal
cd dbt-causal
make demo   # prints the published effects
```
```sql
select 1
```
```sh
$ cd dbt_project
$ causal validate
```
"""


def test_commands_are_read_without_comments_prompts_and_the_clone():
    assert blocks(README) == [Block(("make demo",), ()), Block((), ("cd dbt_project", "causal validate"))]


def test_a_command_that_fails_is_noticed(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        run(Block((), ("cd .", "false", "true")), tmp_path)


def test_other_commands_run_in_the_copy(tmp_path):
    run(Block((), ("echo here > file.txt",)), tmp_path)
    assert (tmp_path / "file.txt").read_text() == "here\n"


def test_the_readme_shows_demo_and_test():
    targets = {target for block in blocks((ROOT / "README.md").read_text()) for target in block.targets}
    assert {"make demo", "make test"} <= targets
