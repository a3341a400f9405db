"""Hostile and odd bodies."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.errors import InvalidInput, TooLarge
from core.parsers import LimitedFormParser, Negotiation, StrictJSONParser, loads

# Near enough to JSON for the decoder to get somewhere before it fails.
ALMOST_JSON = st.text(alphabet='{}[]",:0123456789.eE+-\\u\\dDfF \n\0truefalsnNI', max_size=60)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans())
def test_loads__any_json_value__agrees_with_the_standard_library(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)

    assert loads(text.encode()) == json.loads(text)


@given(st.binary(max_size=200))
def test_loads__any_bytes__value_or_invalid_input(data: bytes) -> None:
    try:
        value = loads(data)
    except InvalidInput as refused:
        assert refused.problems or refused.message
    else:
        assert not data.strip(b" \t\r\n\xef\xbb\xbf") or value == json.loads(data.removeprefix(b"\xef\xbb\xbf"))


@given(ALMOST_JSON)
def test_loads__almost_json__value_or_invalid_input(text: str) -> None:
    try:
        value = loads(text.encode())
    except InvalidInput:
        return

    assert value == (json.loads(text) if text.strip(" \t\r\n") else {})


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", {}),
        (b" \r\n", {}),
        (b"\xef\xbb\xbf{}", {}),
        (b"\xef\xbb\xbf", {}),
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', "[" * 36),
        (b'"\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', '"' + "[" * 35),
        (b"[" * 32 + b"]" * 32, None),
        (b"9" * 64, int("9" * 64)),
        (b'"' + b"9" * 99 + b'"', "9" * 99),
    ],
)
def test_loads__unusual_but_right__is_read(data: bytes, value: object) -> None:
    assert loads(data) == (value if value is not None else json.loads(data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "line 1, column 2"),
        (b'{"a":1,}', "line 1, column"),
        (b'{"a":\n 1 2}', "line 2, column 4"),
        (b'{"a": 1} x', "extra data"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "1e999"),
        (b"[-1e999]", "-1e999"),
        (b'"\\u0000"', "column 2"),
        (b'"a\0"', "control character"),
        (b'"\\ud800"', "surrogate"),
        (b'"\\ud800x"', "surrogate"),
        (b'"\\ud800\\ud800\\udc00"', "surrogate"),
        (b'"\\udc00\\ud800"', "surrogate"),
        (b'"\\\\\\ud800"', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"9" * 65, "64 characters"),
        (b'{"a": -0.' + b"1" * 99 + b"}", "64 characters"),
        (b"[" * 33 + b"]" * 33, "32 levels"),
        (b'{"a":' * 100_000, "32 levels"),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "twice"),
    ],
)
def test_loads__hostile_or_malformed__refused_with_the_place(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        loads(data)


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b'\\"' * 1_000_000,
        b'"' * 2_000_000,
        b'"' + b"\\u0000"[:-1] * 300_000,
        b"[" + b'"\\\\",' * 300_000 + b"1",
        b"{" + b",".join(b'"%d":1' % number for number in range(150_000)) + b',"149999":1}',
        b"1" * 2_000_000,
        b"-" * 2_000_000,
    ],
)
def test_loads__two_megabytes_of_spite__refused_quickly(data: bytes) -> None:
    began = time.perf_counter()

    with pytest.raises(InvalidInput):
        loads(data)

    # A quadratic pattern takes minutes.
    assert time.perf_counter() - began < 5


def test_loads__too_deep__has_the_code_of_too_large() -> None:
    with pytest.raises(InvalidInput) as refused:
        loads(b"[[[1]]]", max_depth=2)

    assert refused.value.error_code == "1904"


def test_loads__duplicate_key__names_it() -> None:
    with pytest.raises(InvalidInput) as refused:
        loads(b'{"x": 1, "name": 1, "name": 2}')

    assert [(one.field, one.code) for one in refused.value.problems] == [("name", "duplicate")]


def _request(body: bytes, content_type: str, *, announced: int | None = None) -> Request:
    plain = APIRequestFactory().generic("POST", "/x", body, content_type=content_type)
    if announced is not None:
        plain.META["CONTENT_LENGTH"] = str(announced)
    return Request(plain, parsers=[LimitedFormParser(), StrictJSONParser()], negotiator=Negotiation())


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
        "application/vnd.example.job+json; v=1",
    ],
)
def test_parser__any_kind_of_json__is_read(content_type: str) -> None:
    assert _request(b'{"a": 1}', content_type).data == {"a": 1}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "text/x+json", "multipart/form-data", "bad"])
def test_parser__other_types__have_no_parser(content_type: str) -> None:
    parsers: list[BaseParser] = [LimitedFormParser(), StrictJSONParser()]

    assert Negotiation().select_parser(_request(b"x", content_type), parsers) is None


class _Endless(io.RawIOBase):
    """A stream that must not be read to its end, which it does not have."""

    asked = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        self.asked += size
        return b" " * size


@pytest.mark.parametrize("parser", [StrictJSONParser(), LimitedFormParser()])
def test_parser__more_than_the_limit__stops_reading(parser: BaseParser, settings) -> None:
    settings.MAX_BODY_BYTES = 100
    stream = _Endless()

    with pytest.raises(TooLarge, match="100 bytes"):
        parser.parse(stream, parser.media_type, {})

    assert stream.asked == 101


def test_parser__more_announced_than_the_limit__refused_unread(settings) -> None:
    settings.MAX_BODY_BYTES = 100
    request = _request(b"{}", "application/json", announced=101)

    with pytest.raises(TooLarge):
        _ = request.data


def test_parser__exactly_the_limit__is_read(settings) -> None:
    settings.MAX_BODY_BYTES = 8

    assert _request(b'{"a": 1}', "application/json").data == {"a": 1}


def test_parser__subclass_with_its_own_setting__has_that_limit(settings) -> None:
    settings.MAX_BODY_BYTES, settings.MAX_AGENT_BODY_BYTES = 1, 100
    parser = type("Agents", (StrictJSONParser,), {"limit_setting": "MAX_AGENT_BODY_BYTES"})()

    assert parser.parse(io.BytesIO(b"[1, 2]"), None, {}) == [1, 2]


def test_form_parser__fields__keep_order_blanks_and_repetitions() -> None:
    form = LimitedFormParser().parse(io.BytesIO(b"a=1&b=&a=%C3%A4+%2B"), None, {})

    assert dict(form.lists()) == {"a": ["1", "ä +"], "b": [""]}


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"a=%00", b"%00=1", b"&".join([b"a=1"] * 1001)])
def test_form_parser__hostile__refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        LimitedFormParser().parse(io.BytesIO(body), None, {})


@given(st.binary(max_size=100))
def test_form_parser__any_bytes__form_or_invalid_input(body: bytes) -> None:
    try:
        form = LimitedFormParser().parse(io.BytesIO(body), None, {})
    except InvalidInput:
        return

    assert all("\0" not in value for values in dict(form.lists()).values() for value in values)
