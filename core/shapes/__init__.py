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

from core.shapes.lenient import Base64Text, Flag, OptionalText, Text, TextList, UuidList, WholeNumber, choice, choices
from core.shapes.reading import also_named, check, parse, plain
from core.shapes.report import MOST_PROBLEMS, Report, Rule, Values
from core.shapes.shape import AlsoNamed, NotSet, ReadOnly, Shape
from core.shapes.words import Repeated, guess

__all__ = [
    "MOST_PROBLEMS",
    "AlsoNamed",
    "Base64Text",
    "Flag",
    "NotSet",
    "OptionalText",
    "ReadOnly",
    "Repeated",
    "Report",
    "Rule",
    "Shape",
    "Text",
    "TextList",
    "UuidList",
    "Values",
    "WholeNumber",
    "also_named",
    "check",
    "choice",
    "choices",
    "guess",
    "parse",
    "plain",
]
