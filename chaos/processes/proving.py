"""Whether the harness finds mistakes: each in turn, in a process of its own."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from embedded.files import ROOT


def prove(bugs: Sequence[str], options: argparse.Namespace) -> int:
    """Prints one row of a table for each; 0 only where every one was found."""
    missed = 0
    print("| mistake | found by | seconds |\n|---|---|---|")
    for bug in bugs:
        began = time.monotonic()
        found = _found(bug, options)
        missed += not found
        print(f"| `{bug}` | {', '.join(found) or 'NOT FOUND'} | {time.monotonic() - began:.0f} |", flush=True)
    return 1 if missed else 0


def _found(bug: str, options: argparse.Namespace) -> list[str]:
    """The rules that it broke."""
    command = [
        *(sys.executable, "-m", "chaos", "processes", "--bug", bug, "--postgres", "0", "--broker", "0"),
        *("--kills", str(options.prove_kills), "--pace", str(options.pace), "--hosts", "3", "--packages", "2"),
        *("--seed", str(options.seed)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rules = {line.strip().partition(":")[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    if done.returncode and not rules:
        # That is no finding, and no reason not to look at the other mistakes.
        print(f"the harness failed with {bug}: {done.stderr[-2000:]}", file=sys.stderr, flush=True)
    return sorted(rules)
