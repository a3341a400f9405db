"""Run command lines one after the other, as one process. A program of its own: `python sequence.py JSON`.

Takes a list of command lines. Ends with the exit code of the first that fails; with 3010 where one that did not fail
wants a restart. That what is to be removed is not there (1605) fails nothing.
"""

import json
import subprocess
import sys
import time

_WELL, _GONE, _RESTART, _BUSY = (0, 3010, 1641), 1605, (3010, 1641), 1618
_PATIENCE, _PAUSE = 300, 2


def main(lines: list[str]) -> int:
    """The exit code for all of them."""
    ends = 0
    for number, line in enumerate(lines):
        code = _run(line, is_first=number == 0)
        if code in _RESTART:
            ends = 3010
        elif code not in (*_WELL, _GONE):
            return code
    return ends


def _run(line: str, *, is_first: bool) -> int:
    """Once something was done, nobody begins anew: then it waits by itself for the installation that goes on."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        print(line, flush=True)
        code = subprocess.call(line)
        if code != _BUSY or is_first or time.monotonic() > deadline:
            return code
        time.sleep(_PAUSE)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
