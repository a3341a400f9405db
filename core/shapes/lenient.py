"""Types that read more than one spelling of a value, and what makes a plain type do so."""

import base64
import binascii
import difflib
import enum
import re
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from annotated_types import MaxLen
from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import core_schema

from core.shapes.annotations import has
from core.shapes.shape import KEEPS_BLANK
from core.shapes.words import LONGEST_ECHO, folded, kind_of, refused, shown

_BIGGEST_WHOLE_NUMBER = 2**63 - 1
_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_DIGITS = re.compile(r"[+-]?[0-9]{1,20}(?:\.0{1,20})?", re.ASCII)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise refused(f"must be true or false, but was {shown(value)}")


def _whole_number(value: object) -> int:
    number: int | None = None
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    elif isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        number = int(value.strip().partition(".")[0])
    if number is None or not -_BIGGEST_WHOLE_NUMBER - 1 <= number <= _BIGGEST_WHOLE_NUMBER:
        raise refused(f"must be a whole number, but was {shown(value)}")
    return number


def _instant(value: object) -> object:
    """In UTC, of ISO 8601 with an offset; pydantic alone would take a number for seconds since 1970, and a time of
    nowhere."""
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refused(f"must be an instant in ISO 8601, such as 2025-04-14T13:45:00Z, but was {shown(value)}")


def _text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool | enum.Enum):
        return str(value)
    if isinstance(value, str) and "\0" in value:
        raise refused("must not hold a NUL character")
    return value


def _listed(value: object) -> object:
    """Comma text as a list; blanks around items, and empty items of comma text, do not count."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, list):
        return [item.strip() if isinstance(item, str) else item for item in value]
    return value


T = TypeVar("T")


def _without_repeats(items: list[T]) -> list[T]:
    return list(dict.fromkeys(items))


def _decoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise refused(f"must be text in Base64, but was {kind_of(value)}")
    try:
        return base64.b64decode("".join(value.split()).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise refused("must be Base64 (RFC 4648, with padding)") from None


_read_flag, _read_whole_number, _read_text, _read_instant = (
    BeforeValidator(_flag),
    BeforeValidator(_whole_number),
    BeforeValidator(_text),
    BeforeValidator(_instant),
)

# true and false, also as text and as 1 and 0.
Flag = Annotated[bool, _read_flag]
# 6, "6" and 6.0; within 64 bits. Bounds by Annotated[WholeNumber, Field(ge=1, le=31)].
WholeNumber = Annotated[int, _read_whole_number]
# Text as it was sent, not stripped; "" is a value. A whole number is read as its digits.
Text = Annotated[str, _read_text]
OptionalText = Text | None
# UUIDs as a list or as comma text, without repetitions, in order.
UuidList = Annotated[list[UUID], BeforeValidator(_listed), AfterValidator(_without_repeats)]
# Names as a list or as comma text, without repetitions, in order.
TextList = Annotated[list[Text], BeforeValidator(_listed), AfterValidator(_without_repeats)]
# Base64 on the wire, bytes here, at most 1 MiB of them; "" is no bytes. Bound tighter with Field(max_length=…).
Base64Text = Annotated[
    bytes,
    BeforeValidator(_decoded),
    MaxLen(1024 * 1024),
    KEEPS_BLANK,
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]


class _Choice:
    """Reads a member of an enumeration, see `choice`."""

    def __init__(
        self, kind: type[enum.Enum], synonyms: Mapping[str, enum.Enum], only: Sequence[enum.Enum] = ()
    ) -> None:
        self._kind = tuple(only or kind)
        self._is_part = bool(only)
        self._members = {_choice_key(member.value): member for member in self._kind}
        self._members |= {_choice_key(word): kind(member) for word, member in synonyms.items()}
        self._synonyms = {word: kind(member).value for word, member in synonyms.items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    @property
    def document(self) -> dict[str, Any]:
        """What the API's document says of a field beyond its enumeration."""
        part = {"enum": [member.value for member in self._kind]} if self._is_part else {}
        return part | ({"x-also-read": self._synonyms} if self._synonyms else {})

    def read(self, value: object) -> enum.Enum:
        """The member, or raises PydanticCustomError that names all of them, the nearest first."""
        member = self._members.get(_choice_key(value))
        if member is None:
            raise refused(f"must be one of {self._all(value)}, but was {shown(value)}")
        return member

    def _all(self, value: object) -> str:
        sent = _choice_key(value)
        by_likeness = sorted(
            self._kind, key=lambda one: -difflib.SequenceMatcher(None, sent, _choice_key(one.value)).ratio()
        )
        return ", ".join(str(member.value) for member in by_likeness)


def _choice_key(value: object) -> str:
    if isinstance(value, enum.Enum):
        return _choice_key(value.value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, str) and not _DIGITS.fullmatch(value.strip()):
        return folded(value[:LONGEST_ECHO])
    # -1 must not become 1, as it would if the minus were a hyphen.
    return str(value).strip().partition(".")[0]


def choice(
    kind: type[enum.Enum], *, synonyms: Mapping[str, Any] = types.MappingProxyType({}), only: Sequence[enum.Enum] = ()
) -> Any:
    """A member of `kind`, matched without regard to case, `-`, `_` and blanks: `Annotated[Kind, choice(Kind)]`.

    `synonyms` maps further words to members; `only` are the members that may be chosen, where not all of them may. A
    bare `Kind` is read so too, without either.
    """
    return Annotated[kind, _Choice(kind, synonyms, only)]


def choices(kind: type[enum.Enum], *, synonyms: Mapping[str, Any] = types.MappingProxyType({})) -> Any:
    """Members of `kind` as a list or as comma text, each read as `choice` reads it, without repetitions, in order:
    `Annotated[list[Kind] | None, choices(Kind)]`."""
    read = _Choice(kind, synonyms).read

    def each(value: object) -> object:
        listed = _listed(value)
        return [read(item) for item in listed] if isinstance(listed, list) else listed

    return Annotated[list[Any], BeforeValidator(each), AfterValidator(_without_repeats)]


def lenient(annotation: Any, metadata: Sequence[object]) -> tuple[object, ...]:
    """What a plain `bool`, `int`, `str`, `datetime` or enumeration lacks: being lenient, or strict, is the rule."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return () if has(metadata, _Choice) else (_Choice(annotation, {}),)
    reads = {bool: _read_flag, int: _read_whole_number, str: _read_text, datetime: _read_instant}.get(annotation)
    return () if reads is None or reads in metadata else (reads,)
