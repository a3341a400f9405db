"""Pages by number and by key, on rows that tie and rows that lack values."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.db.models import F, QuerySet
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from core.customer_context import acting_for
from core.errors import InvalidInput
from core.models import Event
from core.openapi import Answer
from core.paging import (
    GroupParameters,
    Having,
    HavingParameters,
    Listing,
    ListParameters,
    PageParameters,
    list_parameters,
    ordering,
    page,
)
from core.paging.attributes import keep, narrowed
from core.query import DateToken, NumberToken, TextToken
from tests.properties import FACTOR

AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
_customers = itertools.count(1)


def _ask(query: str = "", **headers: str) -> Request:
    return Request(APIRequestFactory().get(f"/pm/v1/things{query}", headers=headers))


@pytest.fixture
def events(db: None) -> Iterator[QuerySet[Event]]:
    """Five rows, with the kinds a to e, and the jobs none, 7, 7, 8 and 9."""
    customer_id = next(_customers)
    with acting_for(customer_id):
        Event.objects.bulk_create(
            Event(
                customer_id=customer_id,
                kind=kind,
                job_id=(None, 7, 7, 8, 9)[number],
                occurred_at=AT + timedelta(microseconds=number),
            )
            for number, kind in enumerate("abcde")
        )
        yield Event.objects.for_customer(customer_id)


def _kind(event: Event) -> str:
    return event.kind


def _links(response: Response) -> dict[str, dict[str, list[str]]]:
    """rel → query parameters."""
    found = re.findall(r'<([^>]*)>; rel="(\w+)"', response["Link"])
    return {name: parse_qs(urlsplit(address).query) for address, name in found}


def test_page__nothing_asked__is_the_first_ten(events: QuerySet[Event]) -> None:
    response = page(_ask(), events, render=_kind, order=["kind"])

    assert response.data == ["a", "b", "c", "d", "e"]
    assert response["X-Total-Count"] == "5"
    assert response["Link"] == (
        '<http://testserver/pm/v1/things>; rel="first", <http://testserver/pm/v1/things?pageNumber=0>; rel="last"'
    )
    assert response["searchAfter"]


@pytest.mark.parametrize(
    ("query", "rows", "links"),
    [
        ("?pageSize=2", ["e", "d"], {"next": "1", "last": "2"}),
        ("?pageSize=2&pageNumber=1", ["c", "b"], {"prev": "0", "next": "2", "last": "2"}),
        ("?pageSize=2&pageNumber=2", ["a"], {"prev": "1", "last": "2"}),
        ("?pageSize=2&pageNumber=9", [], {"prev": "2", "last": "2"}),
        ("?pageSize=5", ["e", "d", "c", "b", "a"], {"last": "0"}),
        ("?pageNumber=0&pageSize=10000", ["e", "d", "c", "b", "a"], {"last": "0"}),
    ],
)
def test_page__by_number__has_rows_and_links(
    events: QuerySet[Event], query: str, rows: list[str], links: dict[str, str]
) -> None:
    response = page(_ask(query), events, render=_kind, order=["-kind"])

    assert (response.status_code, response.data, response["X-Total-Count"]) == (200, rows, "5")
    assert {name: sent["pageNumber"][0] for name, sent in _links(response).items() if name != "first"} == links
    assert ("searchAfter" in response) == bool(rows)


def test_page__links__keep_the_other_parameters(events: QuerySet[Event]) -> None:
    response = page(_ask("?pageSize=2&status=a%26b&status=c&pageNumber=1"), events, render=_kind)

    assert _links(response)["next"] == {"pageSize": ["2"], "status": ["a&b", "c"], "pageNumber": ["2"]}
    assert _links(response)["first"] == {"pageSize": ["2"], "status": ["a&b", "c"]}


def test_page__no_rows__is_an_empty_list(events: QuerySet[Event]) -> None:
    response = page(_ask(), events.none(), render=_kind)

    assert (response.data, response["X-Total-Count"]) == ([], "0")
    assert "searchAfter" not in response


@pytest.mark.parametrize(
    ("query", "field", "error_code"),
    [
        ("?pageNumber=1000", "pageNumber", "2501"),
        ("?pageNumber=1&pageSize=10000", "pageNumber", "2501"),
        ("?pageNumber=-1", "pageNumber", "1905"),
        ("?pageSize=0", "pageSize", "1905"),
        ("?pageSize=10001", "pageSize", "1905"),
        ("?pageSize=ten", "pageSize", "1905"),
        ("?searchAfter=forged", "searchAfter", "1905"),
        ("?searchAfter=a%00b", "searchAfter", "1905"),
        ("?pageNumber=1&searchAfter=x", "searchAfter", "1907"),
    ],
)
def test_page__asked_for_what_is_not_there__refused(query: str, field: str, error_code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        page(_ask(query), Event.objects.all(), render=_kind)

    assert [(one.field, one.error_code) for one in refused.value.problems] == [(field, error_code)]


def test_page__too_far__points_to_search_after() -> None:
    with pytest.raises(InvalidInput, match="searchAfter"):
        page(_ask("?pageNumber=5000"), Event.objects.all(), render=_kind)


def test_page__last_page_before_the_end_of_numbers__goes_on_by_key(
    events: QuerySet[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.paging.parameters.FURTHEST_RECORD", 4)

    response = page(_ask("?pageNumber=1&pageSize=2"), events, render=_kind, order=["kind"])

    links = _links(response)
    assert "last" not in links
    assert links["next"] == {"pageSize": ["2"], "searchAfter": [response["searchAfter"]]}


def test_page__by_key__header_and_parameter_say_the_same(events: QuerySet[Event]) -> None:
    cursor = page(_ask("?pageSize=2"), events, render=_kind, order=["kind"])["searchAfter"]

    by_header = page(_ask("?pageSize=2", searchAfter=cursor), events, render=_kind, order=["kind"])
    by_parameter = page(_ask(f"?pageSize=2&searchAfter={cursor}"), events, render=_kind, order=["kind"])

    assert by_header.data == by_parameter.data == ["c", "d"]
    assert by_header["Link"] == by_parameter["Link"]
    assert by_header["X-Total-Count"] == "5"
    assert _links(by_header)["next"] == {"pageSize": ["2"], "searchAfter": [by_header["searchAfter"]]}


def test_page__row_added_between_pages__shifts_nothing(events: QuerySet[Event]) -> None:
    first = page(_ask("?pageSize=2"), events, render=_kind, order=["kind"])
    customer_id = events[0].customer_id
    Event.objects.create(customer_id=customer_id, kind="aa", occurred_at=AT)

    second = page(_ask("?pageSize=2", searchAfter=first["searchAfter"]), events, render=_kind, order=["kind"])

    assert (first.data, second.data) == (["a", "b"], ["c", "d"])


def test_page__key_of_another_order__refused(events: QuerySet[Event]) -> None:
    cursor = page(_ask(), events, render=_kind, order=["kind"])["searchAfter"]

    with pytest.raises(InvalidInput, match="another order"):
        page(_ask(searchAfter=cursor), events, render=_kind, order=["-kind"])


def test_page__key_with_a_wrong_value_signed_elsewhere__refused(events: QuerySet[Event]) -> None:
    cursor = signing.Signer(salt="another").sign_object({"by": "kind,pk", "at": ["a", 1]})

    with pytest.raises(InvalidInput):
        page(_ask(searchAfter=cursor), events, render=_kind, order=["kind"])


def test_page__annotated_and_microsecond_columns__are_paged_too(events: QuerySet[Event]) -> None:
    annotated = events.annotate(moment=F("occurred_at"))

    for order in (["moment"], ["-moment"], ["occurred_at"], ["-occurred_at"]):
        assert "".join(_walk(annotated, order, 2)) in {"abcde", "edcba"}


def test_page__rows_as_mappings__are_paged_too(events: QuerySet[Event]) -> None:
    rows: Any = events.values("kind", "pk")

    first = page(_ask("?pageSize=2"), rows, order=["kind"])
    second = page(_ask("?pageSize=2", searchAfter=first["searchAfter"]), rows, order=["kind"])

    assert [row["kind"] for row in (*first.data, *second.data)] == ["a", "b", "c", "d"]


def test_page__parameters_read_by_the_view__are_used(events: QuerySet[Event]) -> None:
    response = page(_ask("?unheardOf=1"), events, render=_kind, order=["kind"], wanted=PageParameters(page_size=1))

    assert response.data == ["a"]


def test_page__render_all__gets_the_rows_at_once(events: QuerySet[Event]) -> None:
    response = page(_ask("?pageSize=3"), events, render_all=lambda rows: [len(rows)])

    assert response.data == [3]


def test_page__all_rows_on_it__needs_no_count(events: QuerySet[Event], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        page(_ask(), events, render=_kind)
    with django_assert_num_queries(1):
        page(_ask("?pageSize=2&pageNumber=2"), events, render=_kind)
    with django_assert_num_queries(2):
        page(_ask("?pageSize=2"), events, render=_kind)


def _walk(queryset: QuerySet[Event], order: list[str], size: int, render: Any = _kind) -> list[Any]:
    """Every row's kind, page by page, until a page has no successor."""
    seen: list[Any] = []
    cursor = ""
    while True:
        response = page(_ask(f"?pageSize={size}", searchAfter=cursor), queryset, render=render, order=order)
        seen += response.data
        if "next" not in _links(response):
            return seen
        cursor = response["searchAfter"]


COLUMNS_OF_EVENTS = ["kind", "job_id", "run_id", "occurred_at", "pk"]
ORDERS = st.lists(
    st.builds(lambda sign, name: f"{sign}{name}", st.sampled_from(["", "-"]), st.sampled_from(COLUMNS_OF_EVENTS)),
    max_size=4,
    unique_by=lambda name: name.lstrip("-"),
)


@pytest.mark.django_db
@settings(max_examples=200 * FACTOR, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(st.tuples(st.none() | st.integers(1, 3), st.none() | st.integers(1, 2)), max_size=12),
    kinds=st.lists(st.sampled_from("ab"), min_size=12, max_size=12),
    order=ORDERS,
    size=st.integers(1, 5),
)
@example(
    ids=[(None, None), (None, 1), (None, 2), (1, 1), (1, None)], kinds=["a"] * 12, order=["job_id", "-kind"], size=1
)
@example(ids=[(None, 1), (None, 1), (None, None), (1, 1)], kinds=["a"] * 12, order=["-job_id", "run_id"], size=2)
@example(ids=[(1, None), (1, 1), (1, 2), (2, None)], kinds=["a"] * 12, order=["job_id", "run_id"], size=1)
@example(ids=[(1, None), (1, 1), (1, 2), (2, None)], kinds=["a"] * 12, order=["-job_id", "-run_id"], size=1)
def test_page__walked_by_key__meets_every_row_once_in_order(
    ids: list[tuple[int | None, int | None]], kinds: list[str], order: list[str], size: int
) -> None:
    customer_id = next(_customers)
    with acting_for(customer_id):
        Event.objects.bulk_create(
            Event(customer_id=customer_id, kind=kind, job_id=job, run_id=run, asset_id=number, occurred_at=AT)
            for number, (kind, (job, run)) in enumerate(zip(kinds, ids, strict=False))
        )
        rows = Event.objects.for_customer(customer_id)

        walked = _walk(rows, order, size, render=lambda event: event.asset_id)

        tie = "-pk" if order and order[-1].startswith("-") else "pk"
        assert walked == [event.asset_id for event in rows.order_by(*order, tie)]


def test_page__row_added_or_query_changed__counts_only_for_the_latter(events: QuerySet[Event]) -> None:
    first = page(_ask("?pageSize=2"), events, render=_kind, order=["kind"])
    Event.objects.create(customer_id=events[0].customer_id, kind="f", occurred_at=AT)
    fewer = events.filter(kind__lt="e")

    same = page(_ask("?pageSize=2", searchAfter=first["searchAfter"]), events, render=_kind, order=["kind"])
    other = page(_ask("?pageSize=2", searchAfter=first["searchAfter"]), fewer, render=_kind, order=["kind"])

    assert (same["X-Total-Count"], other["X-Total-Count"]) == ("5", "4")


def test_page__by_key__reads_one_range_and_counts_nothing(
    events: QuerySet[Event], django_assert_num_queries: Any
) -> None:
    cursor = page(_ask("?pageSize=2"), events, order=["kind"])["searchAfter"]

    with django_assert_num_queries(1):
        page(_ask("?pageSize=2", searchAfter=cursor), events, order=["kind"])
    with django_assert_num_queries(1):
        page(_ask("?pageSize=50", searchAfter=cursor), events, order=["kind"])


# --- listings ---------------------------------------------------------------------------------------------------------


class Inner(Answer):
    """A part of a row."""

    name: str
    size: int


class Thing(Answer):
    """A row."""

    kind: str
    job_id: int | None
    inner: Inner | None
    parts: list[Inner]
    more: dict[str, Any]


THINGS = Listing(
    row=Thing,
    order=["-kind"],
    columns={"kind": "kind", "jobId": "job_id", "backwards": -F("job_id")},
    tokens={"kind": TextToken(column="kind"), "occurredAt": DateToken(column="occurred_at")},
    having=Having({"jobId": NumberToken(column="job_id")}, within=lambda condition: condition),
    groups={"jobId": "job_id", "twice": F("job_id") * 2},
)


def _thing(event: Event) -> dict[str, Any]:
    parts = [{"name": event.kind, "size": 1}, {"name": "other", "size": 2}]
    return {"kind": event.kind, "jobId": event.job_id, "inner": None, "parts": parts, "more": {"a": 1, "b": 2}}


def _listed(events: QuerySet[Event], **parameters: Any) -> Response:
    wanted = HavingParameters(**parameters)
    return THINGS.page(_ask(), events, wanted, at=AT, render=_thing)


def test_listing__query_sort_and_attributes__are_all_used(events: QuerySet[Event]) -> None:
    response = _listed(events, query="kind:[a, b, c]", sort="kind", attributes=["kind"], page_size=2)

    assert response.data == [{"kind": "a"}, {"kind": "b"}]
    assert response["X-Total-Count"] == "3"


def test_listing__sorted_by_an_expression__pages_by_key(events: QuerySet[Event]) -> None:
    first = _listed(events, sort="backwards", page_size=3)
    second = _listed(events, sort="backwards", page_size=3, search_after=first["searchAfter"])

    assert [row["kind"] for row in (*first.data, *second.data)] == ["e", "d", "b", "c", "a"]


def test_listing__several_mistakes__are_told_at_once(events: QuerySet[Event]) -> None:
    with pytest.raises(InvalidInput) as refused:
        _listed(events, query="kin:a", having_query="jobId:x", sort="kin", attributes=["kindd", "parts.nam"])

    assert [(one.field, one.message.rpartition("; ")[2]) for one in refused.value.problems] == [
        ("sort", "did you mean 'kind'?"),
        ("attributes", "did you mean 'kind'?"),
        ("attributes", "did you mean 'parts.name'?"),
        ("query", "did you mean 'kind'?"),
        ("havingQuery", "column 7: expected a whole number, found 'x'"),
    ]


def test_listing__having_query__finds_what_it_says(events: QuerySet[Event]) -> None:
    assert [row["kind"] for row in _listed(events, having_query="jobId:7").data] == ["c", "b"]


@pytest.mark.parametrize(
    ("names", "row"),
    [
        (["parts.name", "kind"], {"kind": "k", "parts": [{"name": "p"}]}),
        (["parts.name", "parts"], {"parts": [{"name": "p", "size": 1}]}),
        (["parts", "parts.name"], {"parts": [{"name": "p", "size": 1}]}),
        (["parts.name", "parts.size"], {"parts": [{"name": "p", "size": 1}]}),
        (["inner.name"], {"inner": None}),
        (["more.b"], {"more": {"b": 2}}),
        (["more.never"], {"more": {}}),
    ],
)
def test_attributes__dotted__cut_the_row(names: list[str], row: dict[str, Any]) -> None:
    whole = {"kind": "k", "jobId": 1, "inner": None, "parts": [{"name": "p", "size": 1}], "more": {"a": 1, "b": 2}}
    wanted = keep(Thing, names)

    assert wanted is not None
    assert narrowed(whole, wanted) == row


def test_listing__count__counts_groups_apart(events: QuerySet[Event]) -> None:
    assert THINGS.count(events) == {"count": 5}
    assert THINGS.count(events, group_by="jobId") == {
        "count": 5,
        "groups": [{"value": value, "count": count} for value, count in ((7, 2), (8, 1), (9, 1), (None, 1))],
    }
    assert THINGS.count(events, group_by="twice")["groups"][0] == {"value": 14, "count": 2}
    with pytest.raises(InvalidInput, match="did you mean 'jobId'"):
        THINGS.count(events, group_by="jobid2")


class ThingParameters(GroupParameters, ListParameters):
    """Of a list and its count."""


def _post(query: str, body: Any) -> Request:
    return Request(APIRequestFactory().post(f"/pm/v1/things{query}", body, format="json"), parsers=[JSONParser()])


def test_list_parameters__of_a_post__come_from_both_places() -> None:
    asked = _post("?pageSize=3&sortOrder=desc", {"filter": "kind:a", "sort": [{"kind": "asc"}], "attributes": ["kind"]})

    wanted = list_parameters(asked, ThingParameters)

    assert (wanted.page_size, wanted.sort_order, wanted.query) == (3, "desc", "kind:a")
    assert (wanted.sort, wanted.attributes) == ('[{"kind": "asc"}]', ["kind"])


@pytest.mark.parametrize("body", [{"pageSize": "3"}, {"pageSize": 3}, {"pageNumber": 5}, None, {}])
def test_list_parameters__said_twice_alike__are_one(body: Any) -> None:
    wanted = list_parameters(_post("?pageSize=3&pageNumber=1", body), ThingParameters)

    assert (wanted.page_size, wanted.page_number) == (3, 1)


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ("?pageSize=3", {"pageSize": 4}, "pageSize"),
        ("", {"pagesize": 4}, "pagesize"),
        ("", ["kind"], ""),
        ("?attributes=[", None, "attributes"),
    ],
)
def test_list_parameters__that_cannot_be_meant__refused(query: str, body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        list_parameters(_post(query, body), ThingParameters)

    assert [one.field for one in refused.value.problems] == [field]


# --- sorting ----------------------------------------------------------------------------------------------------------

COLUMNS = {"name": "name", "created": "created_at", "nextRun": "next_run_at"}


@pytest.mark.parametrize(
    ("sort", "sort_order", "expected"),
    [
        (None, None, ["-pk"]),
        ("", "asc", ["pk"]),
        ("null", "desc", ["-pk"]),
        ("name", None, ["name"]),
        ("name,-created", None, ["name", "-created_at"]),
        ("name", "desc", ["-name"]),
        ("-name", "asc", ["-name"]),
        ("name:desc, created asc", None, ["-name", "created_at"]),
        ("+name", None, ["name"]),
        ("name,-name", None, ["name"]),
        ('[{"name":"asc"}]', None, ["name"]),
        ('[{"name":"DESC"},{"created":"asc"}]', None, ["-name", "created_at"]),
        ('{"name":"desc"}', None, ["-name"]),
        ([{"name": "desc"}], None, ["-name"]),
        (["name", "-nextRun"], None, ["name", "-next_run_at"]),
    ],
)
def test_ordering__in_each_spelling__names_the_columns(
    sort: object, sort_order: str | None, expected: list[str]
) -> None:
    assert ordering(sort, sort_order, columns=COLUMNS, default=["-pk"]) == expected


@pytest.mark.parametrize(
    ("sort", "sort_order", "says"),
    [
        ("nam", None, "did you mean 'name'"),
        ("password", None, "cannot sort by 'password'"),
        ("name:up", None, "must be asc or desc, but was 'up'"),
        ("name", "up", "must be asc or desc, but was 'up'"),
        ("", "up", "must be asc or desc, but was 'up'"),
        ('[{"name"', None, "must be like"),
        ("[[1]]", None, "must be like"),
        (5, None, "must be like"),
    ],
)
def test_ordering__what_cannot_be_sorted_by__refused(sort: object, sort_order: str | None, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        ordering(sort, sort_order, columns=COLUMNS, default=["-pk"])
