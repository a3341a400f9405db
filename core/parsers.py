"""Reading bodies that may be hostile: bounded in size and depth, of one meaning, and storable."""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import IO, Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import QueryDict
from django.http.request import UnreadablePostError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.errors import TOO_LARGE, InvalidInput, Problem, TooLarge

_MAX_BODY_BYTES = 2 * 1024 * 1024
_MAX_JSON_DEPTH = 32
_MAX_NUMBER_LENGTH = 64
_MAX_FIELDS = 1000

# The closing quote is optional, so that a match never fails and retries: that would be quadratic.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_LONG_NUMBER = re.compile(rf"[-+.0-9eE]{{{_MAX_NUMBER_LENGTH + 1},}}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def loads(data: bytes, *, max_depth: int = _MAX_JSON_DEPTH) -> object:
    """The value that a JSON text in UTF-8 means; `{}` for an empty one.

    Refuses what other readers of the same text could read otherwise or could not store: duplicate keys, NaN and
    infinities, NUL, lone surrogates, numbers longer than 64 characters, more than `max_depth` levels. Raises
    InvalidInput, and nothing else.
    """
    text = _decoded(data)
    if not text.strip(" \t\r\n"):
        return {}
    _check_structure(text, max_depth)
    if _SUSPECT_ESCAPE.search(text):
        _check_escapes(text)
    return _parsed(text)


def _decoded(data: bytes) -> str:
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise _malformed(f"byte {wrong.start} is not UTF-8") from None


def _check_structure(text: str, max_depth: int) -> None:
    """Depth and length of numbers, before the decoder, which recurses, sees either."""
    outside = _STRING.sub("", text)
    if _depth(outside) > max_depth:
        raise _malformed(f"it is nested deeper than {max_depth} levels", code="too_large", error_code=TOO_LARGE)
    number = _LONG_NUMBER.search(outside)
    if number:
        raise _malformed(f"a number has more than {_MAX_NUMBER_LENGTH} characters: {number[0][:20]}…")


def _depth(outside: str) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.findall(outside):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _check_escapes(text: str) -> None:
    """No NUL, and surrogates in pairs only. Walks escape by escape, so that an escaped backslash hides nothing."""
    high_ends = -1
    for escape in _ESCAPE.finditer(text):
        unit = int(escape[1], 16) if escape[1] else -1
        if unit == 0:
            raise _malformed(f"\\u0000 is not allowed in text ({_place(text, escape.start())})")
        paired = high_ends == escape.start()
        if high_ends >= 0 and not (paired and 0xDC00 <= unit <= 0xDFFF):
            raise _lone_surrogate(text, high_ends - 6)
        if high_ends < 0 and 0xDC00 <= unit <= 0xDFFF:
            raise _lone_surrogate(text, escape.start())
        high_ends = escape.end() if 0xD800 <= unit <= 0xDBFF else -1
    if high_ends >= 0:
        raise _lone_surrogate(text, high_ends - 6)


def _lone_surrogate(text: str, at: int) -> InvalidInput:
    return _malformed(f"half of a surrogate pair at {_place(text, at)}")


def _parsed(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant)
    except json.JSONDecodeError as wrong:
        message = wrong.msg[:1].lower() + wrong.msg[1:]
        raise _malformed(f"{message} at line {wrong.lineno}, column {wrong.colno}") from None
    except RecursionError:
        raise _malformed("it is nested too deep", code="too_large", error_code=TOO_LARGE) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise InvalidInput(problems=[Problem(_short(twice), "duplicate", "this key stands in one object twice")])
    return found


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _malformed(f"{_short(text)} is too large for a number")
    return value


def _refuse_constant(name: str) -> object:
    raise _malformed(f"{name} is not a JSON number")


def _malformed(why: str, *, code: str = "malformed", error_code: str = "1905") -> InvalidInput:
    return InvalidInput(problems=[Problem("", code, f"the body is not JSON that can be read: {why}", error_code)])


def _place(text: str, at: int) -> str:
    line_start = text.rfind("\n", 0, at) + 1
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - line_start + 1}"


def _short(text: str) -> str:
    return text if len(text) <= 64 else f"{text[:64]}…"


class _LimitedParser(BaseParser):
    """Reads no more than the setting named `limit_setting` allows; a subclass may name another."""

    limit_setting = "MAX_BODY_BYTES"

    def _read(self, stream: IO[Any], context: Mapping[str, Any]) -> bytes:
        """The body. Raises TooLarge, decided from what was announced where that is possible, and while reading."""
        limit = getattr(settings, self.limit_setting, _MAX_BODY_BYTES)
        request = context.get("request")
        announced = request.META.get("CONTENT_LENGTH") if request is not None else None
        if str(announced or "").isdecimal() and int(announced or 0) > limit:
            raise _too_large(limit)
        try:
            data: bytes = stream.read(limit + 1)
        except UnreadablePostError:
            raise InvalidInput("the body ended before its announced length") from None
        if len(data) > limit:
            raise _too_large(limit)
        return data


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may have at most {limit} bytes.")


class StrictJSONParser(_LimitedParser):
    """`application/json` as `loads` reads it. With `Negotiation`, also `application/merge-patch+json` and its like."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body's value. Raises TooLarge or InvalidInput."""
        data = self._read(stream, parser_context or {})
        return loads(data, max_depth=getattr(settings, "MAX_JSON_DEPTH", _MAX_JSON_DEPTH))


class LimitedFormParser(_LimitedParser):
    """`application/x-www-form-urlencoded`, under the same limits."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> QueryDict:
        """The fields. Raises TooLarge or InvalidInput."""
        data = self._read(stream, parser_context or {})
        form = QueryDict(mutable=True)
        for name, value in _form_fields(data):
            form.appendlist(name, value)
        return form


def _form_fields(data: bytes) -> list[tuple[str, str]]:
    try:
        fields = parse_qsl(data.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except UnicodeDecodeError:
        raise InvalidInput("the form is not UTF-8") from None
    except ValueError:
        raise InvalidInput(f"the form has more than {_MAX_FIELDS} fields") from None
    if any("\0" in part for field in fields for part in field):
        raise InvalidInput("NUL is not allowed in a form")
    return fields


class Negotiation(DefaultContentNegotiation):
    """REST framework's own, which also knows every `application/…+json` as JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser for the request's content type, or None."""
        chosen: BaseParser | None = super().select_parser(request, parsers)
        if chosen is None and _is_structured_json(request.content_type or ""):
            return next((parser for parser in parsers if isinstance(parser, StrictJSONParser)), None)
        return chosen


def _is_structured_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return len(kind) <= 256 and kind.startswith("application/") and kind.endswith("+json")
