"""What a failed step printed, boiled down to one line that is the same on every host where the same went wrong."""

import re
from collections.abc import Iterator

MAX_LENGTH = 200

# Escape sequences of terminals, and whatever else is not text.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TELLS = re.compile(
    r"\b(error|fail(ed|ure)?|fatal|cannot|can't|unable|denied|refused|no such|not found|no space|timed out|missing|"
    r"killed)\b|^[EW]: ",
    re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last)"
# What differs from host to host, from the widest to the narrowest; a later one must not look inside an earlier one.
_DIFFERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d{2}:\d{2}([.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w<.])(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'\",()<>\[\]]+)+(?=[\\/])[\\/]"), "…/"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+"), "<n>"),
)


def cause_of(output: str) -> str:
    """The line that tells most of why, with what is one host's own taken out; empty where nothing was printed.

    At most `MAX_LENGTH` characters of one line, without control characters. Paths keep their last part, and numbers,
    times, ids, addresses and URLs become `<n>`, `<time>`, `<id>`, `<address>` and `<url>`.
    """
    lines = [line for line in map(_cleaned, output.splitlines()) if line]
    return _normalised(_telling(lines))[:MAX_LENGTH].rstrip()


def _telling(lines: list[str]) -> str:
    """The first line that speaks of a failure: what follows it mostly repeats it. Of a traceback its last, else the
    last line of all."""
    if not lines:
        return ""
    if any(_TRACEBACK in line for line in lines):
        return lines[-1]
    return next(_that_tell(lines), lines[-1])


def _that_tell(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if _TELLS.search(line))


def _cleaned(line: str) -> str:
    return " ".join(_CONTROL.sub(" ", line).split())


def _normalised(line: str) -> str:
    # A line of a package manager may be long; nothing is to be learnt from its far end.
    line = line[: 4 * MAX_LENGTH]
    for pattern, word in _DIFFERS:
        line = pattern.sub(word, line)
    return line
