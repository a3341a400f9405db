"""Request bodies as pydantic models, read leniently in type and strictly in meaning, with all problems at once.

Pydantic declares the fields and makes the JSON schema; it does not read the body, because it stops telling good fields
from bad ones at the first bad model. Each shape has a plan, made once: for every field the names it has on the wire and
what reads its value. `check` walks the plan. Why pydantic at all: docs/adr/0004.

    class Body(Shape):
        name: Annotated[Text, Field(min_length=1, max_length=256, description="What people call it.")]
        platform: Annotated[Platform, choice(Platform)] = Platform.WINDOWS
        asset_ids: Annotated[UuidList | None, AlsoNamed("assets")] = None

    body = parse(Body, request.data, rules=[whole_body_makes_sense])

A field that does not take None reads null, and `""` and `"null"` where it is not text, as "not set": its default. One
without a default is then missing.
"""

import base64
import binascii
import difflib
import enum
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, Union
from uuid import UUID

from annotated_types import Ge, Le, MaxLen, MinLen
from django.utils.datastructures import MultiValueDict
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema

from core.errors import EXCLUDES, INVALID, MISSING, UNKNOWN_KEY, InvalidInput, Problem

# Enough for a person to repair a body by; a body made of nothing but mistakes must not cost more than a good one.
MOST_PROBLEMS = 1000
_MOST_GUESSES = 20
_LONGEST_ECHO = 64
_BIGGEST_WHOLE_NUMBER = 2**63 - 1

S = TypeVar("S", bound="Shape")


# --- what a shape is made of ------------------------------------------------------------------------------------------


class Shape(BaseModel):
    """Base of all request bodies and parameter lists. snake_case in Python, camelCase on the wire, no unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        arbitrary_types_allowed=True,
    )

    # Wire names that only the server sets and that are no fields: accepted and dropped.
    ignored_keys: ClassVar[frozenset[str]] = frozenset()
    # Rules across the fields of this shape, run wherever it stands, with paths that start at it.
    shape_rules: ClassVar[Sequence["Rule"]] = ()

    @classmethod
    def prepare(cls, data: object) -> object:
        """Override to take something else for the object, such as a text: return the mapping it stands for."""
        return data

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse what `check` would silently not run."""
        found = cls.__pydantic_decorators__
        if found.field_validators or found.model_validators or found.validators or found.root_validators:
            raise TypeError(f"{cls.__name__}: put validators into Annotated[…] or shape_rules; these are not run here")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's, with bounds called by their JSON schema names where a lenient type stood in pydantic's way."""
        made = handler(schema)
        for one in handler.resolve_ref_schema(made).get("properties", {}).values():
            _rename_bounds(one)
        return made


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _rename_bounds(schema: dict[str, Any]) -> None:
    for name in _BOUNDS.keys() & schema.keys():
        schema[_BOUNDS[name]] = schema.pop(name)
    for part in (*schema.get("anyOf", ()), schema.get("items")):
        if isinstance(part, dict):
            _rename_bounds(part)


@dataclass(frozen=True)
class AlsoNamed:
    """Marks a field that has further names on the wire: `Annotated[UuidList | None, AlsoNamed("tagIds")]`."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


class _ReadOnly:
    """See ReadOnly."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "readOnly": True}


class _NotSet:
    """See NotSet."""


class _KeepsBlank:
    """Marks a type for which `""` is a value of its own."""


# Marks a field that only the server sets: whatever a client sends back is accepted and dropped.
ReadOnly = _ReadOnly()
# Marks a text field for which `""` and `"null"` mean "not set", as they do for all that is not text.
NotSet = _NotSet()
_KEEPS_BLANK = _KeepsBlank()


class Repeated(list[Any]):
    """The values of a parameter that was given more than once: a list for a field that takes one, else a mistake."""


class Values:
    """The fields of one shape, as a rule sees them. Names are those of Python."""

    def __init__(self, shape: type[Shape], valid: Mapping[str, object], sent: Iterable[str]) -> None:
        self._shape = shape
        self._valid = valid
        self._sent = frozenset(sent)

    def get(self, name: str, default: Any = None) -> Any:
        """The value; the field's default where it was not sent; `default` where it is in error or has no default."""
        if name in self._valid:
            return self._valid[name]
        info = self._shape.model_fields[name]
        return default if name in self._sent or info.is_required() else info.get_default(call_default_factory=True)

    def given(self, name: str) -> bool:
        """Whether it was sent, validly or not."""
        return name in self._sent

    def valid(self, *names: str) -> bool:
        """Whether all of these were sent, and validly."""
        return all(name in self._valid for name in names)

    def sound(self, *names: str) -> bool:
        """Whether none of these is in error; one that was not sent is not."""
        return all(name in self._valid or name not in self._sent for name in names)


class Report:
    """Where the problems of one body are gathered, each with the path from the body's top."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._prefix = ""
        self._wire_names: Mapping[str, str] = {}

    def within(self, path: str, wire_names: Mapping[str, str]) -> "Report":
        """The same report for the rules of what stands at `path`, which name fields as Python does."""
        inner = Report()
        inner.problems, inner._prefix, inner._wire_names = self.problems, path, wire_names
        return inner

    def add(self, field: str, code: str, message: str, error_code: str = INVALID) -> None:
        """One problem. `field` is a field's Python name, or a path of wire names below where the rule stands."""
        name = _echo(self._wire_names.get(field, field))
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(_join(self._prefix, name), code, message, error_code))


Rule = Callable[[Values, Report], None]


# --- reading ----------------------------------------------------------------------------------------------------------


def parse(shape: type[S], data: object, *, rules: Sequence[Rule] = (), noun: str = "key") -> S:
    """The body as a shape. Raises InvalidInput with every problem. `model_fields_set` tells what was sent."""
    values, problems = check(shape, data, rules, noun=noun)
    if problems:
        raise InvalidInput(problems=problems)
    return _made(shape, values)


def _made(shape: type[S], values: dict[str, Any]) -> S:
    return typing.cast("S", shape.model_construct(set(values), **values))


def check(
    shape: type[Shape], data: object, rules: Sequence[Rule] = (), *, noun: str = "key"
) -> tuple[dict[str, object], list[Problem]]:
    """The fields that were sent and are valid, by Python name, and all problems.

    `noun` is what the sender calls a field: "key" in a body, "parameter" in a query string.
    """
    report = Report()
    values = _read_shape(shape, data, "", report, rules=rules, noun=noun)
    return values or {}, report.problems


class _Invalid(enum.Enum):
    """What a reader returns when it has reported a problem instead."""

    INVALID = enum.auto()


_INVALID = _Invalid.INVALID


class _Reader(Protocol):
    """Makes a value of what was sent, or reports why not and returns _INVALID. `wants` says in words what it takes."""

    wants: str

    def read(self, value: object, path: str, report: Report) -> object: ...


@dataclass(frozen=True, slots=True)
class _FieldPlan:
    name: str
    names: tuple[str, ...]
    reader: _Reader
    takes_none: bool
    keeps_blank: bool
    required: bool
    ignored: bool
    info: FieldInfo


@dataclass(frozen=True, slots=True)
class _Plan:
    fields: tuple[_FieldPlan, ...]
    known: frozenset[str]
    wire_names: Mapping[str, str]


def _read_shape(
    shape: type[Shape], data: object, path: str, report: Report, *, rules: Sequence[Rule] = (), noun: str = "key"
) -> dict[str, object] | None:
    """The valid fields; None where `data` is no object at all."""
    prepared = _plain(shape.prepare(data))
    if not isinstance(prepared, Mapping):
        report.add(path, "invalid", f"must be an object, but was {_kind(data)}")
        return None
    plan = _plan(shape)
    _report_unknown(prepared, plan, path, report, noun)
    values: dict[str, object] = {}
    sent = {one.name: used for one in plan.fields if (used := _name_used(one, prepared)) is not None}
    for one in plan.fields:
        if one.name not in sent:
            _report_missing(one, path, report)
        elif (value := _read_field(one, sent[one.name], prepared, path, report)) is not _INVALID:
            values[one.name] = value
    if rules or shape.shape_rules:
        here = report.within(path, {**plan.wire_names, **sent})
        seen = Values(shape, values, sent)
        for rule in (*shape.shape_rules, *rules):
            rule(seen, here)
    return values


def _name_used(one: _FieldPlan, data: Mapping[str, object]) -> str | None:
    return next((name for name in one.names if name in data), None)


def _report_missing(one: _FieldPlan, path: str, report: Report) -> None:
    if one.required:
        report.add(_join(path, one.names[0]), "required", "is required", MISSING)


def _read_field(one: _FieldPlan, name: str, data: Mapping[str, object], path: str, report: Report) -> object:
    where = _join(path, name)
    other = next((other for other in one.names if other in data and data[other] != data[name]), None)
    if other is not None:
        message = f"says something else than {other}, which is another name for it; send one of the two"
        report.add(where, "excludes", message, EXCLUDES)
        return _INVALID
    return _read_value(one, data[name], where, report)


def _read_value(one: _FieldPlan, value: object, where: str, report: Report) -> object:
    if value is None or (not one.keeps_blank and isinstance(value, str) and value in {"", "null"}):
        if one.takes_none:
            return None
        if one.required:
            report.add(where, "required", f"is required, but was {_shown(value)}", MISSING)
            return _INVALID
        return one.info.get_default(call_default_factory=True)
    return one.reader.read(value, where, report)


def _report_unknown(data: Mapping[str, object], plan: _Plan, path: str, report: Report, noun: str) -> None:
    unknown = [key for key in data if key not in plan.known]
    for number, key in enumerate(unknown):
        hint = guess(str(key), plan.known) if number < _MOST_GUESSES else ""
        report.add(_join(path, _echo(str(key))), "unknown_key", f"unknown {noun} {_shown(key)}{hint}", UNKNOWN_KEY)


def guess(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: which of the known ones is nearest. Empty where none is known."""
    by_folded = {_folded(one): one for one in sorted(known, reverse=True)}
    sent = _folded(word[:_LONGEST_ECHO])
    close = difflib.get_close_matches(sent, by_folded, n=1, cutoff=0.0)
    if not close:
        return ""
    near = difflib.SequenceMatcher(None, close[0], sent).ratio() >= 0.6
    return f"; did you mean {by_folded[close[0]]!r}?" if near else f"; the nearest is {by_folded[close[0]]!r}"


def _plain(data: object) -> object:
    """A form or a query string as a plain mapping: its own type would show the last of several values and hide it."""
    if not isinstance(data, MultiValueDict):
        return data
    return {name: _once(values) for name, values in data.lists()}


def _once(values: list[Any]) -> object:
    return values[0] if len(values) == 1 or all(value == values[0] for value in values) else Repeated(values)


# --- plans ------------------------------------------------------------------------------------------------------------


@cache
def _plan(shape: type[Shape]) -> _Plan:
    fields = tuple(_field_plan(name, info) for name, info in shape.model_fields.items())
    return _Plan(
        fields=tuple(one for one in fields if not one.ignored),
        known=frozenset(name for one in fields for name in one.names) | shape.ignored_keys,
        wire_names={one.name: one.names[0] for one in fields},
    )


def _field_plan(name: str, info: FieldInfo) -> _FieldPlan:
    # From the annotation and not from `info` alone: pydantic has sorted markers that it does not know out of there.
    annotation, metadata = _unwrapped(info.annotation, info.metadata)
    members = _members(annotation)
    takes_none = type(None) in members
    bare = tuple(member for member in members if member is not type(None))
    readers = tuple(_reader(member, metadata) for member in bare)
    return _FieldPlan(
        name=name,
        names=_wire_names(name, info, metadata),
        reader=readers[0] if len(readers) == 1 else _OneOf(readers),
        takes_none=takes_none,
        keeps_blank=not _has(metadata, _NotSet) and any(_keeps_blank(member, metadata) for member in bare),
        required=info.is_required(),
        ignored=_has(metadata, _ReadOnly),
        info=info,
    )


def _wire_names(name: str, info: FieldInfo, metadata: Sequence[object]) -> tuple[str, ...]:
    main = info.serialization_alias or info.alias or to_camel(name)
    names = [main]
    if isinstance(info.validation_alias, str):
        names.append(info.validation_alias)
    elif isinstance(info.validation_alias, AliasChoices):
        names += [choice for choice in info.validation_alias.choices if isinstance(choice, str)]
    for marker in metadata:
        names += marker.names if isinstance(marker, AlsoNamed) else ()
    return tuple(dict.fromkeys(names))


def _unwrapped(annotation: Any, metadata: Iterable[object] = ()) -> tuple[Any, tuple[object, ...]]:
    """An annotation without `Annotated`, and all of its metadata, innermost first."""
    outer = tuple(_spliced(metadata))
    while typing.get_origin(annotation) is Annotated:
        outer = (*_spliced(annotation.__metadata__), *outer)
        annotation = annotation.__origin__
    return annotation, outer


def _spliced(metadata: Iterable[Any]) -> Iterator[object]:
    """`choice(X)` is itself an annotated type, so that it can be used as one; inside Annotated its metadata counts."""
    for item in metadata:
        if typing.get_origin(item) is Annotated:
            yield from _spliced(item.__metadata__)
        elif isinstance(item, FieldInfo):
            yield from _spliced(item.metadata)
        else:
            yield item


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, flat; of anything else, itself."""
    bare, metadata = _unwrapped(annotation)
    if typing.get_origin(bare) not in {Union, types.UnionType}:
        return (annotation,)
    flat = [member for part in typing.get_args(bare) for member in _members(part)]
    return tuple(Annotated[(member, *metadata)] if metadata and member is not type(None) else member for member in flat)


def _keeps_blank(annotation: Any, metadata: Iterable[object]) -> bool:
    bare, own = _unwrapped(annotation, metadata)
    return bare in {str, Any, object} or _has(own, _KeepsBlank)


def _has(metadata: Iterable[object], kind: type) -> bool:
    return any(isinstance(item, kind) for item in metadata)


def _reader(annotation: Any, metadata: Sequence[object] = ()) -> _Reader:
    bare, own = _unwrapped(annotation, metadata)
    if isinstance(bare, type) and issubclass(bare, Shape):
        return _around(_Nested(bare), own)
    if typing.get_origin(bare) is list and _holds_shape(typing.get_args(bare)[0]):
        return _around(_Items(typing.get_args(bare)[0], own), own)
    return _Leaf(bare, own)


def _holds_shape(annotation: Any) -> bool:
    bare, _ = _unwrapped(annotation)
    parts = (bare, *typing.get_args(bare))
    return any(
        _holds_shape(part) if part is not bare else isinstance(part, type) and issubclass(part, Shape)
        for part in parts
        if part is not Ellipsis
    )


def _around(reader: _Reader, metadata: Sequence[object]) -> _Reader:
    """The reader between the functions that Annotated puts before and after it."""
    if _has(metadata, WrapValidator) or _has(metadata, PlainValidator):
        raise TypeError("only BeforeValidator and AfterValidator can stand around a shape")
    before = tuple(item.func for item in reversed(metadata) if isinstance(item, BeforeValidator))
    after = tuple(item.func for item in metadata if isinstance(item, AfterValidator))
    return _Between(reader, before, after) if before or after else reader


class _Leaf:
    """Whatever holds no shape: pydantic reads it."""

    def __init__(self, annotation: Any, metadata: Sequence[object]) -> None:
        full = (*_lenient(annotation, metadata), *metadata)
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(annotation, *full)] if full else annotation)
        self._validate = adapter.validator.validate_python
        self.wants = _wanted(annotation, full)

    def read(self, value: object, path: str, report: Report) -> object:
        if isinstance(value, Repeated) and not self._takes_lists():
            report.add(path, "excludes", f"was given {len(value)} times with different values; give it once", EXCLUDES)
            return _INVALID
        try:
            return self._validate(value)
        except ValidationError as wrong:
            for line in wrong.errors(include_url=False):
                _report_line(line, path, report, self.wants)
            return _INVALID

    def _takes_lists(self) -> bool:
        return self.wants.startswith("a list") or self.wants == ""


class _Nested:
    """An object of another shape."""

    wants = "an object"

    def __init__(self, shape: type[Shape]) -> None:
        self._shape = shape

    def read(self, value: object, path: str, report: Report) -> object:
        before = len(report.problems)
        values = _read_shape(self._shape, value, path, report)
        if values is None or len(report.problems) > before:
            return _INVALID
        return _made(self._shape, values)


class _Items:
    """A list of things that hold shapes."""

    wants = "a list"

    def __init__(self, item: Any, metadata: Sequence[object]) -> None:
        members = tuple(member for member in _members(item) if member is not type(None))
        readers = tuple(_reader(member) for member in members)
        self._item: _Reader = readers[0] if len(readers) == 1 else _OneOf(readers)
        self._least = max((item.min_length for item in metadata if isinstance(item, MinLen)), default=0)
        self._most = min((item.max_length for item in metadata if isinstance(item, MaxLen)), default=math.inf)

    def read(self, value: object, path: str, report: Report) -> object:
        if not isinstance(value, list):
            report.add(path, "invalid", f"must be a list, but was {_kind(value)}")
            return _INVALID
        if len(value) < self._least:
            wanted = "must not be empty" if self._least == 1 else f"must have {self._least} items or more"
            report.add(path, "invalid", f"{wanted}, but has {len(value)}")
            return _INVALID
        if len(value) > self._most:
            report.add(path, "invalid", f"must have {self._most} items or fewer, but has {len(value)}")
            return _INVALID
        items = [self._item.read(one, f"{path}[{index}]", report) for index, one in enumerate(value)]
        return _INVALID if any(item is _INVALID for item in items) else items


class _OneOf:
    """A union: the first member that can read it. An object goes to the shape, whose problems have their paths."""

    def __init__(self, readers: tuple[_Reader, ...]) -> None:
        self._readers = readers
        self.wants = " or ".join(reader.wants for reader in readers)

    def read(self, value: object, path: str, report: Report) -> object:
        fitting = [reader for reader in self._readers if _fits(reader, value)]
        if len(fitting) == 1:
            return fitting[0].read(value, path, report)
        for reader in fitting or self._readers:
            attempt = Report()
            read = reader.read(value, path, attempt)
            if read is not _INVALID:
                return read
        report.add(path, "invalid", f"must be {self.wants}, but was {_kind(value)}")
        return _INVALID


def _fits(reader: _Reader, value: object) -> bool:
    if isinstance(reader, _Between):
        return _fits(reader.inner, value)
    if isinstance(reader, _Nested):
        return isinstance(value, Mapping)
    if isinstance(reader, _Items):
        return isinstance(value, list)
    return not isinstance(value, Mapping)


class _Between:
    """A reader of shapes with functions before and after it, which raise ValueError with a sentence."""

    def __init__(
        self, inner: _Reader, before: Sequence[Callable[..., Any]], after: Sequence[Callable[..., Any]]
    ) -> None:
        self.inner = inner
        self.wants = inner.wants
        self._before = before
        self._after = after

    def read(self, value: object, path: str, report: Report) -> object:
        try:
            for function in self._before:
                value = function(value)
            value = self.inner.read(value, path, report)
            if value is not _INVALID:
                for function in self._after:
                    value = function(value)
        except (ValueError, AssertionError) as wrong:
            report.add(path, "invalid", _sentence_of(wrong))
            return _INVALID
        return value


# --- messages ---------------------------------------------------------------------------------------------------------


def _report_line(line: Any, path: str, report: Report, wants: str) -> None:
    """One of pydantic's errors, in words that say what would be right."""
    where = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in line["loc"])
    context = line.get("ctx", {})
    code = "unknown_key" if line["type"] == "extra_forbidden" else "invalid"
    error_code = {"extra_forbidden": UNKNOWN_KEY, "missing": MISSING}.get(line["type"], INVALID)
    message = _said(line, context, "" if line["loc"] else wants)
    report.add(where, str(context.get("code", code)), message, str(context.get("error_code", error_code)))


def _said(line: Any, context: Mapping[str, Any], wants: str) -> str:
    kind = line["type"]
    if kind in _OURS:
        return str(line["msg"])
    if kind in {"value_error", "assertion_error"} and "error" in context:
        return _sentence_of(context["error"])
    if kind in {"too_long", "too_short"} and wants.startswith("text"):
        kind = f"{'bytes' if wants == _WANTED[bytes] else 'string'}_{kind}"
    if context.get("min_length") == 1:
        return "must not be empty"
    if kind in _SENTENCES and not (wants and kind in _BOUND_KINDS):
        return _SENTENCES[kind].format(**context, was=_kind(line["input"]))
    if wants:
        return f"must be {wants}, but was {_shown(line['input'])}"
    return _lower_first(line["msg"]).replace("input should be", "must be").replace("input should", "must")


# Types of PydanticCustomError whose message is a finished sentence.
_OURS = {"invalid", "too_large", "excludes", "required", "unknown_key"}
_BOUND_KINDS = {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}
_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_long": "must be at most {max_length} characters long",
    "string_too_short": "must be at least {min_length} characters long",
    "bytes_too_long": "must be at most {max_length} bytes when decoded",
    "bytes_too_short": "must be at least {min_length} bytes when decoded",
    "too_long": "must have {max_length} items or fewer, but has {actual_length}",
    "too_short": "must have {min_length} items or more, but has {actual_length}",
    "string_type": "must be text, but was {was}",
    "list_type": "must be a list, but was {was}",
    "dict_type": "must be an object, but was {was}",
    "uuid_type": "must be a UUID, but was {was}",
    "uuid_parsing": "must be a UUID, such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}
_KINDS = {
    dict: "an object",
    Repeated: "several values",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return _shown(value)
    return _KINDS.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    """A value as a message may repeat it: short, and never the inside of an object."""
    if isinstance(value, str):
        return repr(_echo(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _echo(str(value)) if isinstance(value, int | float) else _kind(value)


def _echo(text: str) -> str:
    # A path is as long as its depth makes it; one name in it is not.
    return text if len(text) <= _LONGEST_ECHO or "." in text or "[" in text else f"{text[:_LONGEST_ECHO]}…"


def _sentence_of(wrong: Exception) -> str:
    return wrong.message() if isinstance(wrong, PydanticCustomError) else str(wrong)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _wrong(message: str) -> PydanticCustomError:
    # The template's braces would be filled in; the message is a parameter, so that a client's text cannot be one.
    return PydanticCustomError("invalid", "{message}", {"message": message})


# --- lenient types ----------------------------------------------------------------------------------------------------

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
    raise _wrong(f"must be true or false, but was {_shown(value)}")


def _whole_number(value: object) -> int:
    number: int | None = None
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    elif isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        number = int(value.strip().partition(".")[0])
    if number is None or abs(number) > _BIGGEST_WHOLE_NUMBER:
        raise _wrong(f"must be a whole number, but was {_shown(value)}")
    return number


def _text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool | enum.Enum):
        return str(value)
    if isinstance(value, str) and "\0" in value:
        raise _wrong("must not hold a NUL character")
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
        raise _wrong(f"must be text in Base64, but was {_kind(value)}")
    try:
        return base64.b64decode("".join(value.split()).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _wrong("must be Base64 (RFC 4648, with padding)") from None


_read_flag, _read_whole_number, _read_text = (
    BeforeValidator(_flag),
    BeforeValidator(_whole_number),
    BeforeValidator(_text),
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
    _KEEPS_BLANK,
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]


def _folded(text: str) -> str:
    return re.sub(r"[-_\s]", "", text.casefold())


class _Choice:
    """Reads a member of an enumeration, see `choice`."""

    def __init__(self, kind: type[enum.Enum], synonyms: Mapping[str, enum.Enum]) -> None:
        self._kind = kind
        self._members = {_choice_key(member.value): member for member in kind}
        self._members |= {_choice_key(word): kind(member) for word, member in synonyms.items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def read(self, value: object) -> enum.Enum:
        """The member, or raises PydanticCustomError that names all of them, the nearest first."""
        member = self._members.get(_choice_key(value))
        if member is None:
            raise _wrong(f"must be one of {self._all(value)}, but was {_shown(value)}")
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
        return _folded(value[:_LONGEST_ECHO])
    # -1 must not become 1, as it would if the minus were a hyphen.
    return str(value).strip().partition(".")[0]


def choice(kind: type[enum.Enum], *, synonyms: Mapping[str, Any] = types.MappingProxyType({})) -> Any:
    """A member of `kind`, matched without regard to case, `-`, `_` and blanks: `Annotated[Kind, choice(Kind)]`.

    `synonyms` maps further words to members. A bare `Kind` is read so too, without synonyms.
    """
    return Annotated[kind, _Choice(kind, synonyms)]


def _lenient(annotation: Any, metadata: Sequence[object]) -> tuple[object, ...]:
    """What a plain `bool`, `int`, `str` or enumeration lacks of the lenient types: being lenient is the rule."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return () if _has(metadata, _Choice) else (_Choice(annotation, {}),)
    reads = {bool: _read_flag, int: _read_whole_number, str: _read_text}.get(annotation)
    return () if reads is None or reads in metadata else (reads,)


def _wanted(annotation: Any, metadata: Sequence[object]) -> str:
    """What a leaf takes, in words; empty where that cannot be said shortly."""
    if typing.get_origin(annotation) is list or annotation is list:
        return "a list"
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(value) for value in typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in annotation)
    return _WANTED.get(annotation, "") + _bounds(metadata)


def _bounds(metadata: Sequence[object]) -> str:
    least = [item.ge for item in metadata if isinstance(item, Ge)]
    most = [item.le for item in metadata if isinstance(item, Le)]
    if least and most:
        return f" from {least[-1]} to {most[-1]}"
    return f" of {least[-1]} or more" if least else f" of {most[-1]} or less" if most else ""


_WANTED: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    bytes: "text in Base64",
    UUID: "a UUID, such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b",
    dict: "an object",
}
