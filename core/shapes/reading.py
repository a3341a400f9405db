"""Reading a body: each shape has a plan, made once, and `check` walks it."""

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from annotated_types import MaxLen, MinLen
from django.utils.datastructures import MultiValueDict
from pydantic import AfterValidator, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo

from core.errors import EXCLUDES, MISSING, UNKNOWN_KEY, InvalidInput, Problem
from core.shapes.annotations import has, holds_shape, keeps_blank, members_of, unwrapped, wire_names
from core.shapes.readers import INVALID, Between, Leaf, Reader
from core.shapes.report import Report, Rule, Values
from core.shapes.shape import NotSetMark, ReadOnlyMark, Shape
from core.shapes.words import Repeated, echo, guess, join, kind_of, shown

_MOST_GUESSES = 20

S = TypeVar("S", bound=Shape)


def parse(shape: type[S], data: object, *, rules: Sequence[Rule] = (), noun: str = "key", forgiving: bool = False) -> S:
    """The body as a shape. Raises InvalidInput with every problem. `model_fields_set` tells what was sent.

    `forgiving` passes over keys that nobody knows.
    """
    values, problems = check(shape, data, rules, noun=noun, forgiving=forgiving)
    if problems:
        raise InvalidInput(problems=problems)
    return _made(shape, values)


def _made(shape: type[S], values: dict[str, Any]) -> S:
    return typing.cast("S", shape.model_construct(set(values), **values))


def check(
    shape: type[Shape], data: object, rules: Sequence[Rule] = (), *, noun: str = "key", forgiving: bool = False
) -> tuple[dict[str, object], list[Problem]]:
    """The fields that were sent and are valid, by Python name, and all problems.

    `noun` is what the sender calls a field: "key" in a body, "parameter" in a query string.
    """
    report = Report(forgiving=forgiving)
    values = _read_shape(shape, data, "", report, rules=rules, noun=noun)
    return values or {}, report.problems


@dataclass(frozen=True, slots=True)
class _FieldPlan:
    name: str
    names: tuple[str, ...]
    reader: Reader
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
    prepared = plain(shape.prepare(data))
    if not isinstance(prepared, Mapping):
        report.add(path, "invalid", f"must be an object, but was {kind_of(data)}")
        return None
    plan = _plan(shape)
    _report_unknown(prepared, plan, path, report, noun)
    values: dict[str, object] = {}
    sent = {one.name: used for one in plan.fields if (used := _name_used(one, prepared)) is not None}
    for one in plan.fields:
        if one.name not in sent:
            _report_missing(one, path, report)
        elif (value := _read_field(one, sent[one.name], prepared, path, report)) is not INVALID:
            values[one.name] = value
    seen = Values(shape, values, sent)
    report.remember(path, seen)
    if rules or shape.shape_rules:
        here = report.within(path, {**plan.wire_names, **sent})
        for rule in (*shape.shape_rules, *rules):
            rule(seen, here)
    return values


def _name_used(one: _FieldPlan, data: Mapping[str, object]) -> str | None:
    return next((name for name in one.names if name in data), None)


def _report_missing(one: _FieldPlan, path: str, report: Report) -> None:
    if one.required:
        report.add(join(path, one.names[0]), "required", "is required", MISSING)


def _read_field(one: _FieldPlan, name: str, data: Mapping[str, object], path: str, report: Report) -> object:
    where = join(path, name)
    other = next((other for other in one.names if other in data and data[other] != data[name]), None)
    if other is not None:
        message = f"says something else than {other}, which is another name for it; send one of the two"
        report.add(where, "excludes", message, EXCLUDES)
        return INVALID
    return _read_value(one, data[name], where, report)


def _read_value(one: _FieldPlan, value: object, where: str, report: Report) -> object:
    if value is None or (not one.keeps_blank and isinstance(value, str) and value in {"", "null"}):
        if one.takes_none:
            return None
        if one.required:
            report.add(where, "required", f"is required, but was {shown(value)}", MISSING)
            return INVALID
        return one.info.get_default(call_default_factory=True)
    return one.reader.read(value, where, report)


def _report_unknown(data: Mapping[str, object], plan: _Plan, path: str, report: Report, noun: str) -> None:
    unknown = [key for key in data if key not in plan.known and not report.forgiving]
    for number, key in enumerate(unknown):
        hint = guess(str(key), plan.known) if number < _MOST_GUESSES else ""
        report.add(join(path, echo(str(key))), "unknown_key", f"unknown {noun} {shown(key)}{hint}", UNKNOWN_KEY)


def plain(data: object) -> Any:
    """A form or a query string as a plain mapping: its own type would show the last of several values and hide it."""
    if not isinstance(data, MultiValueDict):
        return data
    return {name: _once(values) for name, values in data.lists()}


def _once(values: list[Any]) -> object:
    return values[0] if len(values) == 1 or all(value == values[0] for value in values) else Repeated(values)


@cache
def _plan(shape: type[Shape]) -> _Plan:
    fields = tuple(_field_plan(name, info) for name, info in shape.model_fields.items())
    return _Plan(
        fields=tuple(one for one in fields if not one.ignored),
        known=frozenset(name for one in fields for name in one.names) | shape.ignored_keys,
        wire_names={one.name: one.names[0] for one in fields},
    )


def also_named(shape: type[Shape]) -> dict[str, tuple[str, ...]]:
    """Wire name → the further names that the field is read by, of the fields that have some."""
    return {one.names[0]: one.names[1:] for one in _plan(shape).fields if len(one.names) > 1}


def _field_plan(name: str, info: FieldInfo) -> _FieldPlan:
    # From the annotation and not from `info` alone: pydantic has sorted markers that it does not know out of there.
    annotation, metadata = unwrapped(info.annotation, info.metadata)
    members = members_of(annotation)
    takes_none = type(None) in members
    bare = tuple(member for member in members if member is not type(None))
    readers = tuple(_reader(member, metadata) for member in bare)
    return _FieldPlan(
        name=name,
        names=wire_names(name, info, metadata),
        reader=readers[0] if len(readers) == 1 else _OneOf(readers),
        takes_none=takes_none,
        keeps_blank=not has(metadata, NotSetMark) and any(keeps_blank(member, metadata) for member in bare),
        required=info.is_required(),
        ignored=has(metadata, ReadOnlyMark),
        info=info,
    )


def _reader(annotation: Any, metadata: Sequence[object] = ()) -> Reader:
    bare, own = unwrapped(annotation, metadata)
    if isinstance(bare, type) and issubclass(bare, Shape):
        return _around(_Nested(bare), own)
    if typing.get_origin(bare) is list and holds_shape(typing.get_args(bare)[0]):
        return _around(_Items(typing.get_args(bare)[0], own), own)
    return Leaf(bare, own)


def _around(reader: Reader, metadata: Sequence[object]) -> Reader:
    """The reader between the functions that Annotated puts before and after it."""
    if has(metadata, WrapValidator) or has(metadata, PlainValidator):
        raise TypeError("only BeforeValidator and AfterValidator can stand around a shape")
    before = tuple(item.func for item in reversed(metadata) if isinstance(item, BeforeValidator))
    after = tuple(item.func for item in metadata if isinstance(item, AfterValidator))
    return Between(reader, before, after) if before or after else reader


class _Nested:
    """An object of another shape."""

    wants = "an object"

    def __init__(self, shape: type[Shape]) -> None:
        self.shape = shape

    def read(self, value: object, path: str, report: Report) -> object:
        before = len(report.problems)
        values = _read_shape(self.shape, value, path, report)
        if values is None or len(report.problems) > before:
            return INVALID
        return _made(self.shape, values)


class _Items:
    """A list of things that hold shapes."""

    wants = "a list"

    def __init__(self, item: Any, metadata: Sequence[object]) -> None:
        members = tuple(member for member in members_of(item) if member is not type(None))
        readers = tuple(_reader(member) for member in members)
        self._item: Reader = readers[0] if len(readers) == 1 else _OneOf(readers)
        self._least = max((item.min_length for item in metadata if isinstance(item, MinLen)), default=0)
        self._most = min((item.max_length for item in metadata if isinstance(item, MaxLen)), default=math.inf)

    def read(self, value: object, path: str, report: Report) -> object:
        if not isinstance(value, list):
            report.add(path, "invalid", f"must be a list, but was {kind_of(value)}")
            return INVALID
        if len(value) < self._least:
            wanted = "must not be empty" if self._least == 1 else f"must have {self._least} items or more"
            report.add(path, "invalid", f"{wanted}, but has {len(value)}")
            return INVALID
        if len(value) > self._most:
            report.add(path, "invalid", f"must have {self._most} items or fewer, but has {len(value)}")
            return INVALID
        items = [self._item.read(one, f"{path}[{index}]", report) for index, one in enumerate(value)]
        return INVALID if any(item is INVALID for item in items) else items


class _OneOf:
    """A union: the first member that can read it. An object goes to the shape, whose problems have their paths; of
    several shapes, to that whose word it holds.
    """

    def __init__(self, readers: tuple[Reader, ...]) -> None:
        self._readers = readers
        self.wants = " or ".join(dict.fromkeys(reader.wants for reader in readers))
        self._word, self._by_word = _told_apart(readers)

    def read(self, value: object, path: str, report: Report) -> object:
        fitting = [reader for reader in self._readers if _fits(reader, value)]
        if len(fitting) == 1:
            return fitting[0].read(value, path, report)
        if self._by_word and isinstance(value, Mapping):
            word = value.get(self._word)
            if isinstance(word, str) and word in self._by_word:
                return self._by_word[word].read(value, path, report)
            message = f"must be one of {', '.join(self._by_word)}, but was {shown(word)}"
            report.add(join(path, self._word), "invalid", message)
            return INVALID
        for reader in fitting or self._readers:
            attempt = Report(forgiving=report.forgiving)
            read = reader.read(value, path, attempt)
            if read is not INVALID:
                return read
        report.add(path, "invalid", f"must be {self.wants}, but was {kind_of(value)}")
        return INVALID


def _told_apart(readers: tuple[Reader, ...]) -> tuple[str, dict[str, Reader]]:
    """The wire name of a field that is one word in each of the shapes, and the reader for each word; else nothing."""
    nested = [reader for reader in readers if isinstance(reader, _Nested)]
    if len(nested) == len(readers):
        for name in nested[0].shape.model_fields:
            words = [_words(reader.shape, name) for reader in nested]
            if all(words):
                told = {word: reader for reader, those in zip(nested, words, strict=True) for word in those}
                return _plan(nested[0].shape).wire_names[name], {**told}
    return "", {}


def _words(shape: type[Shape], name: str) -> tuple[str, ...]:
    annotation = shape.model_fields[name].annotation if name in shape.model_fields else None
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


def _fits(reader: Reader, value: object) -> bool:
    if isinstance(reader, Between):
        return _fits(reader.inner, value)
    if isinstance(reader, _Nested):
        return isinstance(value, Mapping)
    if isinstance(reader, _Items):
        return isinstance(value, list)
    return not isinstance(value, Mapping)
