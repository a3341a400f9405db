"""What a list may be asked: which page, in which order, which keys of its rows, which rows."""

import json
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from rest_framework.request import Request

from core.errors import EXCLUDES, InvalidInput, Problem
from core.shapes import AlsoNamed, NotSet, Rule, Shape, Text, TextList, WholeNumber, choice, parse, plain

SEARCH_AFTER = "searchAfter"
# Where a page begins: a link to another page says another place, and all the rest as it was.
PLACE = frozenset({"pageNumber", SEARCH_AFTER})
FURTHEST_RECORD = 10_000
LONGEST_QUERY = 4096

S = TypeVar("S", bound=Shape)


def _packed(value: object) -> object:
    """A list or an object, as a body may carry it, as the JSON text that a query string has."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _unpacked(value: object) -> object:
    """JSON text of a list, as a query string may carry it; all else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('must be like name,created, or like ["name","created"]') from None


# Kept as text: `ordering` reads it, which knows what there is to sort by.
SortTerms = Annotated[str, BeforeValidator(_packed), WithJsonSchema({"type": "string"})]


class SortOrder(StrEnum):
    """Which way."""

    UP = "asc"
    DOWN = "desc"


class PageParameters(Shape):
    """Which page: the query parameters of every list."""

    # The bound is for the document alone: `page` refuses what is beyond it, with a code of its own.
    page_number: Annotated[
        WholeNumber, Field(ge=0, description="Counts from 0.", json_schema_extra={"maximum": FURTHEST_RECORD - 1})
    ] = 0
    page_size: Annotated[WholeNumber, Field(ge=1, le=FURTHEST_RECORD, description="Rows on a page.")] = 10
    search_after: Annotated[
        Text | None,
        Field(
            max_length=4096,
            description="The rows after those of an earlier answer: the value of its `searchAfter` header. May also be "
            "sent as a header. Has no limit; page numbers end at record 10,000.",
        ),
    ] = None


class SortedPageParameters(PageParameters):
    """The same for lists whose order the caller may choose; `ordering` reads the two."""

    sort: Annotated[
        SortTerms | None,
        NotSet,
        Field(description='`name,-created`, or `[{"name":"asc"}]`: keys of the rows.'),
    ] = None
    sort_order: Annotated[
        SortOrder | None,
        choice(SortOrder, synonyms={"ascending": SortOrder.UP, "descending": SortOrder.DOWN}),
        Field(description="For columns of `sort` that do not say."),
    ] = None


class ListParameters(SortedPageParameters):
    """The same for lists that a `Listing` describes: rows by query, and of each row only what is wanted."""

    attributes: Annotated[
        Annotated[TextList, Field(max_length=200)] | None,
        BeforeValidator(_unpacked),
        Field(
            description="Only these keys of each row, separated by commas: `name,tags.name`. All of them where absent.",
        ),
    ] = None
    query: Annotated[
        Text | None,
        NotSet,
        AlsoNamed("filter"),
        Field(
            max_length=LONGEST_QUERY,
            description='Only these rows, in the query language, such as `name:weekly and not name:"old"`. May also be '
            "called `filter`.",
        ),
    ] = None


class HavingParameters(ListParameters):
    """The same for lists whose rows can be found by what they are related to; the list says what that is."""

    having_query: Annotated[
        Text | None,
        NotSet,
        Field(max_length=LONGEST_QUERY, description="Only rows that are related to something which this query finds."),
    ] = None


class GroupParameters(Shape):
    """What a count may be asked beside which rows: mix it into the parameters of the list."""

    group_by: Annotated[
        Text | None, NotSet, Field(description="Count apart the rows that have the same value of this key.")
    ] = None


def list_parameters(request: Request, shape: type[S], *, rules: tuple[Rule, ...] = ()) -> S:
    """The parameters of a list from the query string, and of a POST from the body as well.

    Said in both places they must agree; only the place of a page is the address's to say, because a link to another
    page goes with the body that was sent. Raises InvalidInput.
    """
    asked = plain(request.GET)
    body = _body(request)
    if PLACE & asked.keys():
        body = {name: value for name, value in body.items() if name not in PLACE}
    differing = [name for name in asked.keys() & body.keys() if _spelt(asked[name]) != _spelt(body[name])]
    if differing:
        message = "says something else in the body than in the query string; say it once"
        raise InvalidInput(problems=[Problem(name, "excludes", message, EXCLUDES) for name in sorted(differing)])
    return parse(shape, {**asked, **body}, rules=rules, noun="parameter")


def _body(request: Request) -> dict[str, object]:
    data = request.data if request.method == "POST" else None
    if not data:
        return {}
    if not isinstance(data, dict):
        raise InvalidInput(problems=[Problem("", "invalid", "must be an object of parameters, or nothing")])
    return dict(plain(data))


def _spelt(value: object) -> str:
    """A value as both places may spell it: 6 and "6" are the same, and so are a list and its comma text."""
    if isinstance(value, list):
        return ",".join(_spelt(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
