"""What every script on nodes keeps to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.scripts.conftest import SCRIPTS

ALL = sorted(SCRIPTS.glob("*.sh"))
VERBS = [path for path in ALL if path.name != "lib.sh"]


def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", *map(str, ALL)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", VERBS, ids=lambda path: path.stem)
def test_no_child_can_read_the_rest_of_a_script(path: Path) -> None:
    text = path.read_text()
    assert "\nset -euo pipefail\n" in text
    assert text.endswith('\nmain "$@" </dev/null\n')
    without_texts = re.sub(r"(?ms)<<EOF$.*?^EOF$", "", text)
    outside = re.sub(
        r"(?ms)^\w+\(\) \{.*?^\}$|^\w+\(\) \{.*\}$|^#.*?$|^(readonly|set) .*?$", "", without_texts
    )
    assert outside.split() == ["main", '"$@"', "</dev/null"]


@pytest.mark.parametrize("path", VERBS, ids=lambda path: path.stem)
def test_inputs_and_result_are_told_at_the_top(path: Path) -> None:
    head = path.read_text().split("set -euo pipefail")[0]
    assert "Inputs: " in head
    assert "Result: " in head or path.stem == "read-join-token"
