"""What tests/bench/cost.py counts: real processes, of this test alone."""

from __future__ import annotations

import subprocess
import sys

from tests.drill.record import ROOT


def test_the_cost_of_a_command_holds_that_of_children_nobody_waited_for() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    command = ["sh", "-c", f"'{sys.executable}' -c '{burn}' & exit 3"]
    program = (
        f"from pathlib import Path\nfrom tests.bench.cost import run\nprint(run({command!r}, Path(), {{}}))"
    )
    asked = [sys.executable, "-c", program]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    code, cpu_s = done.stdout.split("code=")[1][0], float(done.stdout.split("cpu_s=")[1].rstrip(")\n"))
    assert code == "3"
    assert 0.3 <= cpu_s < 3
