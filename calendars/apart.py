"""Working out freezes in a process of its own, with an end: a rule that never comes true is looked for until year 9999.

`python -m calendars.apart` reads one question as JSON and writes its answer. It knows neither Django nor the database.
"""

import json
import logging
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduling import freezes
from scheduling.freezes import Freeze, Unreadable, Wrong

log = logging.getLogger(__name__)

# Of a processor's time, so that a busy machine refuses nobody.
SECONDS = 6
_BYTES = 1024 * 1024 * 1024
# Of the clock's; whoever waits for an answer over HTTP has given up by then.
_PATIENCE = 60
_TOO_LONG = "takes too long to work out; split the calendar"
_ROOT = Path(__file__).resolve().parent.parent


def frozen(text: str, *, zone: str, start: datetime, end: datetime) -> list[Freeze]:
    """`scheduling.freezes.frozen`, which see; raises Unreadable also for what takes too long."""
    question = {
        "text": text,
        "zone": zone,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "seconds": SECONDS,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "calendars.apart"],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            cwd=_ROOT,
            # It needs none of our secrets.
            env={},
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable([Wrong("the text", _TOO_LONG)]) from None
    except subprocess.CalledProcessError as ended:
        if ended.returncode < 0:
            # By a signal: that of its limits.
            raise Unreadable([Wrong("the text", _TOO_LONG)]) from None
        log.error("working out freezes failed: %s", ended.stderr[-2_000:])
        raise Unreadable([Wrong("the text", "cannot be read")]) from None
    answer = json.loads(done.stdout)
    if "problems" in answer:
        raise Unreadable([Wrong(where, message) for where, message in answer["problems"]])
    return [
        Freeze(datetime.fromisoformat(begins), datetime.fromisoformat(ends), summary)
        for begins, ends, summary in answer["freezes"]
    ]


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    try:
        found = freezes.frozen(
            question["text"],
            zone=question["zone"],
            start=datetime.fromisoformat(question["start"]),
            end=datetime.fromisoformat(question["end"]),
        )
    except Unreadable as refused:
        return {"problems": [[one.where, one.message] for one in refused.problems]}
    except (TimeoutError, MemoryError):
        # Before it came to any event.
        return {"problems": [["the text", _TOO_LONG]]}
    return {"freezes": [[one.start.isoformat(), one.end.isoformat(), one.summary] for one in found]}


def _limit(seconds: int) -> None:
    """A signal in time to say which event it was; the hard limit for what would not hear it."""
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (2 * seconds, 2 * seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))


def _too_long(*_: object) -> None:
    raise TimeoutError


def main(arguments: Sequence[str]) -> int:
    """Answer one question."""
    question = json.load(sys.stdin)
    _limit(question["seconds"])
    json.dump(_answer(question), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
