"""`python3 lab/check_host.py [--warm]`: can this machine hold the lab? All faults at once, exit code 1.

Run by the machine's own Python before anything is installed, so nothing but the standard library.
It changes nothing, apart from apt's package lists. --warm: nothing is to be fetched, whatever is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # run as a file: the package, not its folder
from lab.host_facts import read_facts  # noqa: E402
from lab.host_rules import faults, unknowns  # noqa: E402


def main() -> int:
    """Look, judge, tell; return the exit code."""
    facts = read_facts(told_warm="--warm" in sys.argv[1:])
    for line in unknowns(facts):
        print(f"host: not checked: {line}", file=sys.stderr)
    found = faults(facts)
    if not found:
        print(f"host: can hold the lab{' (warm)' if facts.warm else ''}", file=sys.stderr)
        return 0
    print("host: cannot hold the lab; nothing was touched", file=sys.stderr)
    for fault in found:
        print(f"  {fault}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
