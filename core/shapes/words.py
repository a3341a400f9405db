"""Values and names as messages repeat them: short, and in words."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from pydantic_core import PydanticCustomError

LONGEST_ECHO = 64


class Repeated(list[Any]):
    """The values of a parameter that was given more than once: a list for a field that takes one, else a mistake."""


_KINDS = {
    dict: "an object",
    Repeated: "several values",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def kind_of(value: object) -> str:
    if isinstance(value, bool):
        return shown(value)
    return _KINDS.get(type(value), type(value).__name__)


def shown(value: object) -> str:
    """A value as a message may repeat it: short, and never the inside of an object."""
    if isinstance(value, str):
        return repr(echo(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return echo(str(value)) if isinstance(value, int | float) else kind_of(value)


def echo(text: str) -> str:
    # A path is as long as its depth makes it; one name in it is not.
    return text if len(text) <= LONGEST_ECHO or "." in text or "[" in text else f"{text[:LONGEST_ECHO]}…"


def sentence_of(wrong: Exception) -> str:
    return wrong.message() if isinstance(wrong, PydanticCustomError) else str(wrong)


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def refused(message: str) -> PydanticCustomError:
    # The template's braces would be filled in; the message is a parameter, so that a client's text cannot be one.
    return PydanticCustomError("invalid", "{message}", {"message": message})


def folded(text: str) -> str:
    return re.sub(r"[-_\s]", "", text.casefold())


def guess(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: which of the known ones is nearest. Empty where none is known."""
    by_folded = {folded(one): one for one in sorted(known, reverse=True)}
    sent = folded(word[:LONGEST_ECHO])
    close = difflib.get_close_matches(sent, by_folded, n=1, cutoff=0.0)
    if not close:
        return ""
    near = difflib.SequenceMatcher(None, close[0], sent).ratio() >= 0.6
    return f"; did you mean {by_folded[close[0]]!r}?" if near else f"; the nearest is {by_folded[close[0]]!r}"
