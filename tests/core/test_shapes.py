"""Lenient in type, strict in meaning, and all problems at once."""

import enum
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from django.db.models import IntegerChoices, TextChoices
from django.http import QueryDict
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, field_validator
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput
from core.shapes import (
    MOST_PROBLEMS,
    AlsoNamed,
    Base64Text,
    Flag,
    NotSet,
    OptionalText,
    ReadOnly,
    Report,
    Shape,
    Text,
    TextList,
    UuidList,
    Values,
    WholeNumber,
    check,
    choice,
    parse,
)

ONE = "7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b"
TWO = "00000000-0000-4000-8000-000000000002"


class Kind(TextChoices):
    """A few schedules."""

    ON_DEMAND = "On-demand"
    ONCE = "Once"
    WEEKLY = "Weekly"


class Level(IntegerChoices):
    """Numbers, one of them below zero."""

    NONE = -1
    ZERO = 0
    ONE = 1


class Deferment(Shape):
    """Nested once."""

    count: Annotated[WholeNumber, Field(ge=1, le=9, description="How often.")] = 3
    unit: Text = "HOURS"


class Params(Shape):
    """Nested twice."""

    action_item: Text
    timeout: Annotated[WholeNumber, Field(ge=1)] = 180


class Action(Shape):
    """An item of a list."""

    ignored_keys = frozenset({"actionType"})

    action: Text
    params: Params


class Message(Shape):
    """An object for which a text may stand."""

    user_message: Text = ""

    @classmethod
    def prepare(cls, data: object) -> object:
        return {"userMessage": data} if isinstance(data, str) else data


class Body(Shape):
    """One of everything."""

    name: Annotated[Text, Field(min_length=1, max_length=10, description="What people call it.")]
    kind: Annotated[Kind, choice(Kind, synonyms={"manual": Kind.ON_DEMAND})] = Kind.ONCE
    level: Level | None = None
    enabled: Flag = False
    day: Annotated[WholeNumber | None, Field(ge=1, le=31)] = None
    asset_ids: Annotated[UuidList | None, AlsoNamed("assets", "hosts")] = None
    names: TextList = Field(default_factory=list)
    description: OptionalText = None
    external_id: Annotated[Text | None, NotSet] = None
    script: Annotated[Base64Text | None, Field(max_length=4)] = None
    deferment: Deferment | None = None
    actions: Annotated[list[Action], Field(max_length=3)] = Field(default_factory=list)
    message: Message | None = None
    reattempt: Deferment | Flag | None = None
    id: Annotated[UUID | None, ReadOnly] = None


def told(shape: type[Shape], data: object, **more: Any) -> list[tuple[str, str, str]]:
    """field, code and error code of every problem."""
    return [(one.field, one.code, one.error_code) for one in check(shape, data, **more)[1]]


def message_of(data: dict[str, object], shape: type[Shape] = Body) -> str:
    """The message of the only problem."""
    (problem,) = check(shape, {"name": "x", **data} if shape is Body else data)[1]
    return problem.message


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "sent", "attribute", "value"),
    [
        ("enabled", True, "enabled", True),
        ("enabled", "true", "enabled", True),
        ("enabled", " TRUE ", "enabled", True),
        ("enabled", "1", "enabled", True),
        ("enabled", 1, "enabled", True),
        ("enabled", 1.0, "enabled", True),
        ("enabled", 0, "enabled", False),
        ("enabled", "no", "enabled", False),
        ("enabled", "", "enabled", False),
        ("enabled", None, "enabled", False),
        ("day", 6, "day", 6),
        ("day", "6", "day", 6),
        ("day", 6.0, "day", 6),
        ("day", "6.0", "day", 6),
        ("day", " +06 ", "day", 6),
        ("day", "", "day", None),
        ("day", "null", "day", None),
        ("day", None, "day", None),
        ("name", 2024, "name", "2024"),
        ("name", " x ", "name", " x "),
        ("name", "null", "name", "null"),
        ("description", "", "description", ""),
        ("description", None, "description", None),
        ("externalId", "", "external_id", None),
        ("externalId", "null", "external_id", None),
        ("kind", "weekly", "kind", Kind.WEEKLY),
        ("kind", "ON_DEMAND", "kind", Kind.ON_DEMAND),
        ("kind", "on demand", "kind", Kind.ON_DEMAND),
        ("kind", "onDemand", "kind", Kind.ON_DEMAND),
        ("kind", "Manual", "kind", Kind.ON_DEMAND),
        ("kind", "", "kind", Kind.ONCE),
        ("kind", None, "kind", Kind.ONCE),
        ("level", 1, "level", Level.ONE),
        ("level", "-1", "level", Level.NONE),
        ("level", 0.0, "level", Level.ZERO),
        ("level", "null", "level", None),
        ("assetIds", [ONE, TWO, ONE], "asset_ids", [UUID(ONE), UUID(TWO)]),
        ("assetIds", f"{ONE}, {TWO},", "asset_ids", [UUID(ONE), UUID(TWO)]),
        ("assetIds", ONE.upper(), "asset_ids", [UUID(ONE)]),
        ("assetIds", "null", "asset_ids", None),
        ("assetIds", "", "asset_ids", None),
        ("assetIds", [], "asset_ids", []),
        ("hosts", [ONE], "asset_ids", [UUID(ONE)]),
        ("names", "a, b,a", "names", ["a", "b"]),
        ("names", ["b", "a"], "names", ["b", "a"]),
        ("names", "null", "names", []),
        ("script", "aGk=", "script", b"hi"),
        ("script", "aG\n k=", "script", b"hi"),
        ("script", "", "script", b""),
        ("script", None, "script", None),
        ("deferment", {"count": "2"}, "deferment", Deferment(count=2)),
        ("deferment", "", "deferment", None),
        ("message", "Hello", "message", Message(user_message="Hello")),
        ("message", {"userMessage": "Hello"}, "message", Message(user_message="Hello")),
        ("reattempt", "true", "reattempt", True),
        ("reattempt", {"count": 1}, "reattempt", Deferment(count=1)),
        ("id", "anything at all", "id", None),
        ("actions", None, "actions", []),
    ],
)
def test_parse__one_meaning_in_many_types__is_one_value(key: str, sent: object, attribute: str, value: object) -> None:
    body = parse(Body, {"name": "x", key: sent})

    assert getattr(body, attribute) == value


@pytest.mark.parametrize(
    ("key", "sent", "says"),
    [
        ("enabled", "maybe", "must be true or false, but was 'maybe'"),
        ("enabled", 2, "must be true or false, but was 2"),
        ("day", True, "must be a whole number, but was true"),
        ("day", 6.5, "must be a whole number, but was 6.5"),
        ("day", "6x", "must be a whole number, but was '6x'"),
        ("day", 10**30, "must be a whole number, but was"),
        ("day", 1e300, "must be a whole number, but was"),
        ("day", "٦", "must be a whole number, but was"),
        ("day", 32, "must be a whole number from 1 to 31, but was 32"),
        ("day", "0", "must be a whole number from 1 to 31, but was '0'"),
        ("day", [], "must be a whole number, but was a list"),
        ("name", "", "must not be empty"),
        ("name", "x" * 11, "must be at most 10 characters long"),
        ("name", True, "must be text, but was true"),
        ("name", ["x"], "must be text, but was a list"),
        ("name", "a\0b", "must not hold a NUL character"),
        ("kind", "weekli", "must be one of Weekly, "),
        ("kind", "demand", "must be one of On-demand, "),
        ("kind", 5, "must be one of On-demand, Once, Weekly, but was 5"),
        ("kind", {}, "but was an object"),
        ("level", 2, "must be one of"),
        ("level", True, "must be one of"),
        ("level", "1.5", "must be one of"),
        ("level", 1.5, "must be one of"),
        ("script", "a", "must be Base64"),
        ("script", "ä", "must be Base64"),
        ("script", 5, "must be text in Base64, but was a number"),
        ("script", "aGVsbG8=", "must be at most 4 bytes when decoded"),
        ("assetIds", {}, "must be a list, but was an object"),
        ("assetIds", 5, "must be a list, but was a number"),
        ("deferment", "x", "must be an object, but was text"),
        ("deferment", [], "must be an object, but was a list"),
        ("actions", {}, "must be a list, but was an object"),
        ("actions", [{"action": "x", "params": {"actionItem": "x"}}] * 4, "must have 3 items or fewer, but has 4"),
        ("reattempt", "maybe", "must be true or false"),
    ],
)
def test_check__value_that_means_nothing__says_what_would_be_right(key: str, sent: object, says: str) -> None:
    assert says in message_of({key: sent})


def test_check__template_braces_in_what_was_sent__are_repeated_as_they_are() -> None:
    assert "'{message}{0}'" in message_of({"enabled": "{message}{0}"})


def test_check__long_value__is_not_repeated_whole() -> None:
    assert len(message_of({"enabled": "x" * 10_000})) < 200


def test_parse__bad_ids__each_with_its_place() -> None:
    assert told(Body, {"name": "x", "assetIds": [ONE, "x", ONE, 5, None]}) == [
        ("assetIds[1]", "invalid", "1905"),
        ("assetIds[3]", "invalid", "1905"),
        ("assetIds[4]", "invalid", "1905"),
    ]


def test_parse__fields_set__are_those_that_were_sent() -> None:
    body = parse(Body, {"name": "x", "day": None, "hosts": "", "id": 5, "deferment": {"count": 1}})

    assert body.model_fields_set == {"name", "day", "asset_ids", "deferment"}
    assert body.deferment is not None
    assert body.deferment.model_fields_set == {"count"}


def test_parse__defaults__are_not_shared() -> None:
    first, second = parse(Body, {"name": "x"}), parse(Body, {"name": "y"})

    first.names.append("a")

    assert second.names == []


# --- plain types ------------------------------------------------------------------------------------------------------


class Plain(Shape):
    """Declared without a lenient type."""

    flag: bool = False
    number: int = 0
    text: str = ""
    kind: Kind = Kind.ONCE
    word: Literal["a", "b"] = "a"
    mixed: list[Text] | Text | None = None
    anything: Any = None


def test_parse__plain_types__are_as_lenient() -> None:
    body = parse(Plain, {"flag": "1", "number": "7", "text": 5, "kind": "weekly", "word": "b"})

    assert (body.flag, body.number, body.text, body.kind, body.word) == (True, 7, "5", Kind.WEEKLY, "b")


def test_check__plain_number__is_not_true() -> None:
    assert told(Plain, {"number": True}) == [("number", "invalid", "1905")]


def test_check__literal__names_its_words() -> None:
    assert message_of({"word": "c"}, Plain) == "must be one of a, b, but was 'c'"


@pytest.mark.parametrize("sent", ["a,b", ["a", "b"]])
def test_parse__union__takes_the_member_that_fits(sent: object) -> None:
    assert parse(Plain, {"mixed": sent}).mixed == sent


class Wait(Shape):
    """One of two that a word tells apart."""

    step_kind: Literal["wait"]
    minutes: WholeNumber


class Call(Shape):
    """The other."""

    step_kind: Literal["call", "ring"]
    at: datetime


class Steps(Shape):
    """Some of these."""

    steps: list[Wait | Call]


@pytest.mark.parametrize(
    ("step", "field", "message"),
    [
        ({"stepKind": "wait"}, "steps[0].minutes", "is required"),
        ({"stepKind": "ring", "at": "now"}, "steps[0].at", "must be an instant in ISO 8601"),
        ({"stepKind": "dig"}, "steps[0].stepKind", "must be one of wait, call, ring, but was 'dig'"),
        ({"minutes": 1}, "steps[0].stepKind", "must be one of wait, call, ring, but was null"),
    ],
)
def test_check__shapes_told_apart_by_a_word__has_the_problems_of_the_one(
    step: dict[str, Any], field: str, message: str
) -> None:
    ((problem,),) = [check(Steps, {"steps": [step]})[1]]

    assert problem.field == field
    assert problem.message.startswith(message)


@pytest.mark.parametrize("sent", [0, "0", 1.5, True, "2025-04-14", "2025-04-14T13:45:00", "soon"])
def test_check__instant__needs_iso_8601_with_an_offset(sent: object) -> None:
    assert told(Call, {"stepKind": "call", "at": sent}) == [("at", "invalid", "1905")]


def test_check__smallest_and_largest_whole_numbers__are_read() -> None:
    assert told(Wait, {"stepKind": "wait", "minutes": -(2**63)}) == []
    assert told(Wait, {"stepKind": "wait", "minutes": 2**63 - 1}) == []
    assert told(Wait, {"stepKind": "wait", "minutes": 2**63}) == [("minutes", "invalid", "1905")]


def test_check__choice_of_some__refuses_and_does_not_name_the_others() -> None:
    class Part(Shape):
        kind: Annotated[Kind, choice(Kind, only=(Kind.ONCE,))] = Kind.ONCE

    ((problem,),) = [check(Part, {"kind": Kind.ON_DEMAND.value})[1]]

    assert problem.message == f"must be one of {Kind.ONCE.value}, but was {Kind.ON_DEMAND.value!r}"


def test_check__union_that_nothing_fits__names_the_members() -> None:
    assert message_of({"mixed": True}, Plain) == "must be a list or text, but was true"


@pytest.mark.parametrize("sent", ["", "x", 5, [1], {"a": [1]}])
def test_parse__anything__stays_as_it_was_sent(sent: object) -> None:
    assert parse(Plain, {"anything": sent}).anything == sent


# --- keys -------------------------------------------------------------------------------------------------------------


def test_check__everything_wrong__is_told_at_once_and_good_fields_have_values() -> None:
    values, problems = check(
        Body,
        {
            "day": "6",
            "assetIdz": [],
            "enabled": "x",
            "actions": [
                {"action": "Run", "params": {"actionItm": 1}},
                5,
                {"params": {"actionItem": "x", "timeout": 0}},
            ],
            "deferment": {"count": 0},
        },
    )

    assert values == {"day": 6}
    assert [(one.field, one.code, one.error_code) for one in problems] == [
        ("assetIdz", "unknown_key", "1901"),
        ("name", "required", "1903"),
        ("enabled", "invalid", "1905"),
        ("deferment.count", "invalid", "1905"),
        ("actions[0].params.actionItm", "unknown_key", "1901"),
        ("actions[0].params.actionItem", "required", "1903"),
        ("actions[1]", "invalid", "1905"),
        ("actions[2].action", "required", "1903"),
        ("actions[2].params.timeout", "invalid", "1905"),
    ]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("assetIdz", "unknown key 'assetIdz'; did you mean 'assetIds'?"),
        ("asset_ids", "unknown key 'asset_ids'; did you mean 'assetIds'?"),
        ("NAME", "unknown key 'NAME'; did you mean 'name'?"),
        ("host", "unknown key 'host'; did you mean 'hosts'?"),
        ("zzz", "unknown key 'zzz'; the nearest is '"),
        ("", "unknown key ''; the nearest is '"),
        ("k" * 500, f"unknown key '{'k' * 64}…'; the nearest is '"),
    ],
)
def test_check__unknown_key__names_the_nearest(key: str, says: str) -> None:
    assert message_of({key: 1}).startswith(says)


def test_check__ignored_keys__are_accepted_and_dropped() -> None:
    body = parse(Body, {"name": "x", "actions": [{"action": "a", "actionType": {}, "params": {"actionItem": "i"}}]})

    assert "actionType" not in body.actions[0].model_dump(by_alias=True)


def test_parse__two_names_of_one_field__must_agree() -> None:
    assert parse(Body, {"name": "x", "hosts": [ONE], "assetIds": [ONE]}).asset_ids == [UUID(ONE)]
    assert told(Body, {"name": "x", "hosts": [ONE], "assetIds": [TWO]}) == [("assetIds", "excludes", "1907")]


def test_parse__pydantics_own_aliases__are_names_too() -> None:
    class Aliased(Shape):
        token: Annotated[Text, Field(alias="refresh_token")]
        size: Annotated[WholeNumber, Field(validation_alias=AliasChoices("pageSize", "limit"))] = 10

    assert parse(Aliased, {"refresh_token": "x", "limit": "5"}).size == 5
    assert told(Aliased, {"token": "x"}) == [
        ("token", "unknown_key", "1901"),
        ("refresh_token", "required", "1903"),
    ]


@pytest.mark.parametrize("data", [None, [], "x", 5, True])
def test_check__no_object_at_all__is_one_problem_of_the_body(data: object) -> None:
    assert told(Body, data) == [("", "invalid", "1905")]


@pytest.mark.parametrize("sent", [None, "", "null"])
def test_check__required_and_not_set__is_missing(sent: object) -> None:
    class Needs(Shape):
        day: WholeNumber

    assert told(Needs, {"day": sent}) == [("day", "required", "1903")]


def test_parse__problems__are_raised_with_the_first_as_message() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(Body, {"nme": "x"})

    assert refused.value.error_code == "1901"
    assert refused.value.message == "nme: unknown key 'nme'; did you mean 'name'?"
    assert len(refused.value.problems) == 2


def test_check__nothing_but_mistakes__stops_at_a_bound() -> None:
    assert len(check(Body, {f"key{number}": 1 for number in range(20_000)})[1]) == MOST_PROBLEMS


# --- rules ------------------------------------------------------------------------------------------------------------


def _day_needs_weekly(values: Values, report: Report) -> None:
    if values.valid("day", "kind") and values.get("kind") != Kind.WEEKLY:
        report.add("day", "excludes", "goes with Weekly alone", "1907")


def test_rules__fields_are_valid__may_complain_under_the_wire_name() -> None:
    problems = check(Body, {"name": "x", "day": 1, "kind": "once"}, [_day_needs_weekly])[1]

    assert [(one.field, one.message, one.error_code) for one in problems] == [("day", "goes with Weekly alone", "1907")]


@pytest.mark.parametrize("data", [{"day": "x", "kind": "once"}, {"day": 1, "kind": "x"}])
def test_rules__field_in_error__stay_silent(data: dict[str, object]) -> None:
    assert len(check(Body, {"name": "x", **data}, [_day_needs_weekly])[1]) == 1


def test_rules__field_sent_under_another_name__report_that_name() -> None:
    def no_assets(values: Values, report: Report) -> None:
        report.add("asset_ids", "invalid", "not now")

    assert told(Body, {"name": "x", "hosts": []}, rules=[no_assets]) == [("hosts", "invalid", "1905")]
    assert told(Body, {"name": "x"}, rules=[no_assets]) == [("assetIds", "invalid", "1905")]


def test_rules__fields_of_what_stands_inside__are_seen_also_beside_mistakes() -> None:
    seen: list[object] = []

    class Inner(Shape):
        good: Text
        bad: WholeNumber

    class Item(Shape):
        inner: Inner

    class Outer(Shape):
        items: list[Item]

    def look(values: Values, report: Report) -> None:
        inner = report.inner("items[1].inner")
        assert inner is not None
        seen.extend([inner.get("good"), inner.sound("bad"), values.sound("items"), report.inner("items[2].inner")])

    check(Outer, {"items": [5, {"inner": {"good": "x", "bad": "y"}}, {"inner": 3}]}, rules=[look])

    assert seen == ["x", False, False, None]


def test_rules__of_a_nested_shape__report_below_its_path() -> None:
    def both(values: Values, report: Report) -> None:
        report.add("action_item", "invalid", "no")

    class Item(Shape):
        shape_rules = (both,)
        action_item: Text = ""

    class Outer(Shape):
        items: list[Item]

    assert told(Outer, {"items": [{}, {"actionItem": "x"}]}) == [
        ("items[0].actionItem", "invalid", "1905"),
        ("items[1].actionItem", "invalid", "1905"),
    ]


def test_values__sent_or_not_good_or_bad__can_be_told_apart() -> None:
    seen: list[tuple[object, ...]] = []

    def look(values: Values, report: Report) -> None:
        seen.extend(
            (name, values.get(name), values.given(name), values.valid(name), values.sound(name))
            for name in ("day", "enabled", "kind", "level")
        )

    check(Body, {"name": "x", "day": 5, "enabled": "x"}, [look])

    assert seen == [
        ("day", 5, True, True, True),
        ("enabled", None, True, False, False),
        ("kind", Kind.ONCE, False, False, True),
        ("level", None, False, False, True),
    ]


# --- what stands around shapes ----------------------------------------------------------------------------------------


def _even(items: list[Any]) -> list[Any]:
    if len(items) % 2:
        raise ValueError("must be pairs")
    return items


class Around(Shape):
    """Functions before and after a list of shapes."""

    items: Annotated[
        list[Deferment],
        BeforeValidator(lambda value: [value] * 2 if isinstance(value, dict) else value),
        AfterValidator(_even),
    ]


def test_parse__functions_around_shapes__are_run() -> None:
    assert parse(Around, {"items": {"count": 1}}).items == [Deferment(count=1)] * 2
    assert message_of({"items": [{}]}, Around) == "must be pairs"


def test_shape__with_pydantics_validators__is_refused_when_declared() -> None:
    with pytest.raises(TypeError, match="are not run here"):

        class Wrong(Shape):
            name: Text

            @field_validator("name")
            @classmethod
            def _check(cls, value: str) -> str:
                return value


# --- forms ------------------------------------------------------------------------------------------------------------


def test_parse__form__is_read_like_json() -> None:
    assert parse(Body, QueryDict("name=x&enabled=true&day=6")).day == 6


def test_parse__repeated_field__is_a_list_where_one_is_taken() -> None:
    body = parse(Body, QueryDict(f"name=x&assetIds={ONE}&assetIds={TWO}&names=a&names=b"))

    assert (body.asset_ids, body.names) == ([UUID(ONE), UUID(TWO)], ["a", "b"])


def test_parse__repeated_field_that_takes_one_value__must_agree() -> None:
    assert parse(Body, QueryDict("name=x&day=6&day=6")).day == 6
    assert told(Body, QueryDict("name=x&day=6&day=7&name=y")) == [
        ("name", "excludes", "1907"),
        ("day", "excludes", "1907"),
    ]


# --- properties -------------------------------------------------------------------------------------------------------

_GOOD: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text(min_size=1, max_size=10).filter(lambda text: "\0" not in text),
    "kind": st.sampled_from([*Kind.values, "weekly", "ONCE"]),
    "enabled": st.sampled_from([True, False, "true", 0, "1"]),
    "day": st.integers(1, 31) | st.integers(1, 31).map(str),
    "assetIds": st.lists(st.uuids().map(str), max_size=3),
    "deferment": st.fixed_dictionaries({"count": st.integers(1, 9)}),
}
_BAD: dict[str, st.SearchStrategy[Any]] = {
    "name": st.just("") | st.booleans(),
    "kind": st.sampled_from(["zzz", 5, []]),
    "enabled": st.sampled_from(["perhaps", 2, {}]),
    "day": st.sampled_from([0, 32, "x", True, 1.5]),
    "assetIds": st.sampled_from([["x"], {}, 5]),
    "deferment": st.sampled_from([{"count": 0}, 5, [1]]),
    "unheardOf": st.integers(),
}


@given(st.data())
def test_check__any_mix_of_good_and_bad_fields__reports_each_bad_one_and_keeps_each_good_one(
    data: st.DataObject,
) -> None:
    bad = data.draw(st.sets(st.sampled_from(sorted(_BAD))))
    sent = {key: data.draw((_BAD if key in bad else _GOOD)[key]) for key in {*_GOOD, *bad}}

    values, problems = check(Body, sent)

    assert {one.field.partition("[")[0].partition(".")[0] for one in problems} == bad
    assert {Body.model_fields[name].alias for name in values} == set(_GOOD) - bad


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(field.alias or "" for field in Body.model_fields.values())), inner)
        ),
    )
)
def test_check__any_json_at_all__never_raises(data: object) -> None:
    values, problems = check(Body, data)

    assert problems or "name" in values


# --- the document -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["serialization", "validation"])
def test_json_schema__of_a_shape__speaks_as_the_wire_does(mode: Literal["serialization", "validation"]) -> None:
    schema = Body.model_json_schema(mode=mode)

    properties = schema["properties"]
    assert set(properties) == {field.alias for field in Body.model_fields.values()}
    assert schema["required"] == ["name"]
    assert properties["name"] | {"title": ""} == {
        "title": "",
        "type": "string",
        "minLength": 1,
        "maxLength": 10,
        "description": "What people call it.",
    }
    assert properties["day"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 31}
    assert properties["id"]["readOnly"] is True
    assert properties["script"]["anyOf"][0]["contentEncoding"] == "base64"
    assert schema["$defs"]["Kind"]["enum"] == Kind.values
    assert schema["$defs"]["Deferment"]["properties"]["count"]["minimum"] == 1


def test_openapi__view_with_a_shape__has_its_components() -> None:
    class Creates(APIView):
        authentication_classes = ()
        permission_classes = ()

        @extend_schema(request=Body, responses={201: Body})
        def post(self, request: object) -> Response:
            raise NotImplementedError

    from django.urls import path

    document = SchemaGenerator(patterns=[path("bodies", Creates.as_view())]).get_schema(request=None, public=True)

    components = document["components"]["schemas"]
    names = {name.removesuffix("Request") for name in components}
    assert {"Body", "Action", "Params", "Kind"} <= names


class _Colour(enum.Enum):
    RED = "red"


def test_choice__as_a_type_of_its_own__reads_the_same() -> None:
    class Painted(Shape):
        colour: choice(_Colour) = _Colour.RED  # type: ignore[valid-type]

    assert parse(Painted, {"colour": "RED"}).colour == _Colour.RED
