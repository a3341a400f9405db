"""Assets in short, by query, by number, counted, named and forgotten: over HTTP, as the wire contract has it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.customer_context import acting_for
from inventory import services
from inventory.descriptions import Machine, Scan
from inventory.models import Asset, Counter, Patch, Platform, Tag
from tenants.models import Role
from tests import factories
from tests.factories import NOW, Person
from tests.tenants.worlds import scan

NOW_MS = int(NOW.timestamp() * 1000)
FOUND_KEYS = {
    "id", "name", "operatingSystem", "version", "platform", "osIdentifier", "tags", "interfaces", "scanStatus",
    "status", "statusCode", "installedPatchCount", "missingPatchCount", "nonSupersededMissingPatchCount",
    "activatedModules", "lastLoggedOnUser", "scanDateTime", "statusDateTime", "hardware", "architecture",
    "osNotSupportedForModules",
}  # fmt: skip


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [row["name"] for row in answer.json()]


def _rescan(asset: Asset, name: str, **machine: Any) -> None:
    """The asset's agent tells of it again."""
    told = scan(name=name)
    told["machine"] |= {"osIdentifier": asset.os_identifier, **machine}
    with acting_for(asset.customer_id):
        services.record_scan(asset=Asset.objects.get(pk=asset.pk), scan=Scan.model_validate(told), at=NOW)


# --- in short ---------------------------------------------------------------------------------------------------------


def test_find__row__has_exactly_its_keys(ada: Person) -> None:
    tags = tuple(factories.tag(ada.customer, name) for name in ("b", "a"))
    host = factories.asset(ada.customer, "web-1", tags=tags)
    last_contact = timezone.now()
    Asset.objects.update(
        interfaces=[
            {"interfaceName": "eth0", "macAddress": "aa", "address": "10.0.0.1", "gatewayAddress": "10.0.0.254"}
        ],
        hardware={"model": "X1", "manufacturer": "Acme"},
        operating_system="Debian 13",
        os_version="13",
        architecture="x86_64",
        last_logged_on_user="ada",
        last_contact_at=last_contact,
    )
    there, *wanted = (factories.patch(ada.customer, name) for name in ("there", "one", "two"))
    factories.installed(there, host)
    for patch in wanted:
        factories.missing(patch, host)

    (row,) = ada.post("assets", {}).json()

    assert row.keys() == FOUND_KEYS
    assert row == {
        "id": str(host.public_id),
        "name": "web-1",
        "operatingSystem": "Debian 13",
        "version": "13",
        "platform": "Linux",
        "osIdentifier": host.os_identifier,
        "tags": [str(tag.public_id) for tag in reversed(tags)],
        "interfaces": [
            {"interfaceName": "eth0", "macAddress": "aa", "address": "10.0.0.1", "gatewayAddress": "10.0.0.254"}
        ],
        "scanStatus": "Scanned",
        "status": "Active",
        "statusCode": None,
        "installedPatchCount": 1,
        "missingPatchCount": 2,
        "nonSupersededMissingPatchCount": 2,
        "activatedModules": ["PM"],
        "lastLoggedOnUser": "ada",
        "scanDateTime": NOW_MS,
        "statusDateTime": int(last_contact.timestamp() * 1000),
        "hardware": {"model": "X1", "manufacturer": "Acme"},
        "architecture": "x86_64",
        "osNotSupportedForModules": [],
    }


def test_find__missing_patch_with_a_newer_one__counts_once_among_the_newest(ada: Person) -> None:
    host = factories.asset(ada.customer)
    told = scan(("app", "1.0"), updates=(("app", "1.0", "2.0"),), name=host.name)
    told["machine"]["osIdentifier"] = host.os_identifier
    services.record_scan(asset=host, scan=Scan.model_validate(told), at=NOW)
    told["updates"][0]["toVersion"] = "3.0"
    services.record_scan(asset=host, scan=Scan.model_validate(told), at=NOW)
    older = Patch.objects.get(version="2.0")
    factories.missing(older, host)

    (row,) = ada.post("assets", {}).json()

    assert (row["missingPatchCount"], row["nonSupersededMissingPatchCount"]) == (2, 1)
    assert _names(ada.get("assets?query=nonSupersededMissingPatchCount%20%3D%201")) == [host.name]


@pytest.mark.parametrize("content_type", ["", "application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_find__viewer_without_a_body__gets_the_list(ada: Person, content_type: str) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    factories.asset(ada.customer, "web-1")

    answer = viewer.client.generic("POST", "/pm/v1/assets", b"", content_type=content_type, headers=viewer.headers)

    assert _names(answer) == ["web-1"]
    assert answer["X-Total-Count"] == "1"


def test_find__machine_without_a_package_manager__is_not_supported(ada: Person) -> None:
    host = factories.asset(ada.customer, "odd")
    factories.asset(ada.customer, "fine")
    _rescan(host, "odd", packageManager="none")

    rows = {row["name"]: row["osNotSupportedForModules"] for row in ada.post("assets", {}).json()}

    assert rows == {"odd": ["PM"], "fine": []}
    assert _names(ada.post("assets", {"query": "osNotSupportedForModules:PM"})) == ["odd"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["a-1", "a-2", "b-1"]),
        ({"query": "name:a"}, ["a-1", "a-2"]),
        ({"filter": "name:a"}, ["a-1", "a-2"]),
        ({"query": "not platform:linux", "name": "a"}, ["a-2"]),
        ({"platform": ["Windows"]}, ["a-2"]),
        ({"sort": [{"name": "desc"}]}, ["b-1", "a-2", "a-1"]),
        ({"sort": "name", "sortOrder": "desc"}, ["b-1", "a-2", "a-1"]),
        ({"sort": [{"missingPatchCount": "desc"}, {"name": "asc"}]}, ["b-1", "a-1", "a-2"]),
        ({"havingQuery": "product:acme"}, ["b-1"]),
        ({"havingQuery": "product:acme and patchStatus:Installed"}, ["a-1"]),
        ({"havingQuery": "patchStatus:Installed or patchStatus:Missing"}, ["a-1", "b-1"]),
        ({"havingQuery": "not product:acme and patchStatus:*"}, ["a-1"]),
        ({"havingQuery": "product:acme", "query": "name:a"}, []),
        ({"pageSize": 1, "sort": "-name"}, ["b-1"]),
    ],
)
def test_find__body__is_what_is_found(ada: Person, body: Any, names: list[str]) -> None:
    one, _, other = (
        factories.asset(ada.customer, name, platform=platform)
        for name, platform in [("a-1", Platform.LINUX), ("a-2", Platform.WINDOWS), ("b-1", Platform.LINUX)]
    )
    patch, beside = factories.patch(ada.customer, "acme-app"), factories.patch(ada.customer, "beside")
    factories.missing(patch, other)
    factories.installed(patch, one)
    factories.installed(beside, one)

    assert _names(ada.post("assets", body)) == names


def test_find__attributes__are_the_keys_of_the_rows(ada: Person) -> None:
    factories.asset(ada.customer, "web-1")

    rows = ada.post("assets", {"attributes": ["name", "missingPatchCount"]}).json()
    same = ada.get("assets?attributes=name,assetStatus").json()

    assert rows == [{"name": "web-1", "missingPatchCount": 0}]
    assert [list(row) for row in same] == [["name", "assetStatus"]]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"qery": "name:a"}, "qery", "1901"),
        ({"query": "nam:a"}, "query", "1905"),
        ({"havingQuery": "vendorSeverity:Loud"}, "havingQuery", "1905"),
        ({"attributes": ["nam"]}, "attributes", "1905"),
        ({"sort": "nothing"}, "sort", "1905"),
        ({"platform": "Mac"}, "platform", "1905"),
        ({"query": "name:a", "filter": "name:b"}, "query", "1907"),
    ],
)
def test_find__what_cannot_be_meant__is_told_where_it_stands(ada: Person, body: Any, field: str, code: str) -> None:
    answer = ada.post("assets", body)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_find__page_by_page__meets_every_asset_once(ada: Person) -> None:
    made = sorted(factories.asset(ada.customer).name for _ in range(5))

    first = ada.post("assets?pageSize=2", {"query": "name:host"})
    second = ada.post("assets?pageSize=2", {"query": "name:host"}, searchAfter=first["searchAfter"])
    third = ada.post("assets?pageSize=2&pageNumber=2", {"query": "name:host"})

    assert [*_names(first), *_names(second), *_names(third)] == made
    assert first["X-Total-Count"] == "5"


def test_find__thirty__take_as_many_queries_as_one(ada: Person) -> None:
    patch, tag = factories.patch(ada.customer), factories.tag(ada.customer, "web")
    counts = []

    for hosts in (1, 29):
        factories.missing(patch, *(factories.asset(ada.customer, tags=(tag,)) for _ in range(hosts)))
        with CaptureQueriesContext(connection) as captured:
            answer = ada.post("assets?pageSize=100", {"havingQuery": "product:acme", "sort": "missingPatchCount"})
        assert answer.status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1]


# --- status -----------------------------------------------------------------------------------------------------------


def test_status__silent_for_a_month__is_inactive_in_rows_filters_and_queries(ada: Person) -> None:
    ages = {"fresh": timedelta(days=29), "silent": timedelta(days=31)}
    for name, age in ages.items():
        host = factories.asset(ada.customer, name)
        Asset.objects.filter(pk=host.pk).update(last_contact_at=timezone.now() - age)
    Asset.objects.filter(pk=factories.asset(ada.customer, "unheard").pk).update(last_contact_at=None)

    rows = {row["name"]: row["assetStatus"] for row in ada.get("assets").json()}

    assert rows == {"fresh": "Active", "silent": "Inactive", "unheard": "Inactive"}
    assert _names(ada.get("assets?status=inactive")) == ["silent", "unheard"]
    assert _names(ada.post("assets", {"query": "status:Active"})) == ["fresh"]
    assert _names(ada.get("assets?sort=status,name")) == ["fresh", "silent", "unheard"]


# --- counts -----------------------------------------------------------------------------------------------------------


def test_count__query_status_and_group__are_applied(ada: Person) -> None:
    for name, platform in [("a-1", Platform.LINUX), ("a-2", Platform.WINDOWS), ("b-1", Platform.LINUX)]:
        factories.asset(ada.customer, name, platform=platform)
    Asset.objects.update(last_contact_at=timezone.now())
    Asset.objects.filter(name="b-1").update(last_contact_at=None)

    assert ada.get("assets/count").json() == {"assets": {"count": 3}}
    assert ada.get("assets/count?query=name:a").json() == {"assets": {"count": 2}}
    assert ada.get("assets/count?status=Inactive").json() == {"assets": {"count": 1}}
    assert ada.get("assets/count?groupBy=platform").json() == {
        "assets": {"count": 3, "groups": [{"value": "Linux", "count": 2}, {"value": "Windows", "count": 1}]}
    }
    assert ada.get("assets/count?groupBy=status&query=name:a").json() == {
        "assets": {"count": 2, "groups": [{"value": "Active", "count": 2}]}
    }
    assert ada.get("assets/count?groupBy=name").status_code == 400


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_numbers__count_within_the_customer__and_are_never_given_twice(ada: Person) -> None:
    factories.asset(factories.stranger().customer)
    first, second = (factories.asset(ada.customer) for _ in range(2))
    ada.delete(f"asset/{second.public_id}")
    third = factories.asset(ada.customer)

    numbers = [ada.get(f"asset/{one.public_id}").json()["assetId"] for one in (first, third)]

    assert numbers == [1, 3]


def test_numbers__enrolled_again__keeps_its_own(ada: Person) -> None:
    host = factories.asset(ada.customer)
    machine = Machine(name="again", platform=Platform.LINUX, os_identifier=host.os_identifier)

    again = services.register_asset(customer_id=ada.customer.pk, machine=machine, at=NOW)

    assert (again.pk, again.number) == (host.pk, host.number)
    assert Counter.objects.get(name="assets").last == 1


def test_numbers__many_at_once__are_all_different(committed: None) -> None:
    customer = factories.customer()

    made = factories.at_once(lambda number: factories.asset(customer, f"host-{number}"), *range(8))

    assert sorted(one.number for one in made) == list(range(1, 9))


def test_uuids__of_numbers__are_answered_in_order_without_those_of_nobody(ada: Person) -> None:
    one, two = (factories.asset(ada.customer) for _ in range(2))
    theirs = [factories.asset(factories.stranger().customer) for _ in range(3)][-1]
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    answer = viewer.post("assets/uuids", [two.number, str(one.number), theirs.number + 100, 2**40, two.number, 0])

    assert answer.status_code == 200
    assert answer.json() == {
        "mappedAssets": [
            {"assetId": two.number, "assetUuid": str(two.public_id)},
            {"assetId": one.number, "assetUuid": str(one.public_id)},
        ]
    }


def test_uuids__number_that_is_another_customers_too__is_ones_own(ada: Person) -> None:
    own = factories.asset(ada.customer)
    theirs = factories.asset(factories.stranger().customer)

    answer = ada.post("assets/uuids", [theirs.number])

    assert own.number == theirs.number
    assert [one["assetUuid"] for one in answer.json()["mappedAssets"]] == [str(own.public_id)]


@pytest.mark.parametrize(("body", "field"), [(["x"], "assetIds[0]"), ({"ids": [1]}, "ids"), ([1.5], "assetIds[0]")])
def test_uuids__no_numbers__are_refused(ada: Person, body: Any, field: str) -> None:
    answer = ada.post("assets/uuids", body)

    assert answer.status_code == 400
    assert field in [one["field"] for one in answer.json()["errors"]]


# --- what a person may change -----------------------------------------------------------------------------------------


def test_change__name__stays_after_the_next_scan_until_it_is_taken_back(ada: Person) -> None:
    host = factories.asset(ada.customer, "srv-0815")
    path = f"asset/{host.public_id}"

    given = ada.patch(path, {"name": "payroll"}).json()
    _rescan(host, "srv-0816")
    scanned = ada.get(path).json()
    taken_back = ada.patch(path, {"name": None}).json()
    _rescan(host, "srv-0817")

    assert (given["name"], given["reportedName"]) == ("payroll", "srv-0815")
    assert (scanned["name"], scanned["reportedName"]) == ("payroll", "srv-0816")
    assert taken_back["name"] == "srv-0816"
    assert ada.get(path).json()["name"] == "srv-0817"


def test_change__time_zone__stays_after_the_next_scan(ada: Person) -> None:
    host = factories.asset(ada.customer)
    path = f"asset/{host.public_id}"

    given = ada.patch(path, {"timezone": "europe/berlin"}).json()
    _rescan(host, host.name, timezone="UTC")
    scanned = ada.get(path).json()
    taken_back = ada.patch(path, {"timezone": ""}).json()
    refused = ada.patch(path, {"timezone": "Mars/Olympus"})

    assert (given["timezone"], given["reportedTimezone"]) == ("Europe/Berlin", None)
    assert (scanned["timezone"], scanned["reportedTimezone"]) == ("Europe/Berlin", "UTC")
    assert taken_back["timezone"] == "UTC"
    assert [one["field"] for one in refused.json()["errors"]] == ["timezone"]


def test_change__tags__are_exactly_these_afterwards(ada: Person) -> None:
    one, two, three = (factories.tag(ada.customer, name) for name in ("one", "two", "three"))
    host = factories.asset(ada.customer, tags=(one, two))
    path = f"asset/{host.public_id}"

    changed = ada.patch(path, {"tags": [str(two.public_id), str(three.public_id)]})
    carried = Asset.objects.get(pk=host.pk).tag_ids
    emptied = ada.patch(path, {"tags": []})

    assert [tag["name"] for tag in changed.json()["tags"]] == ["three", "two"]
    assert carried == sorted([two.pk, three.pk])
    assert emptied.json()["tags"] == []
    assert Asset.objects.get(pk=host.pk).tag_ids == []


def test_change__answer_sent_back__changes_nothing(ada: Person) -> None:
    host = factories.asset(ada.customer, tags=(factories.tag(ada.customer, "one"),))
    path = f"asset/{host.public_id}"
    before = ada.get(path).json()

    answer = ada.patch(path, before)
    _rescan(host, "named anew")

    assert (answer.status_code, answer.json()) == (200, before)
    assert ada.get(path).json()["name"] == "named anew"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": [str(uuid.UUID(int=1))]}, "tags[0]"),
        ({"tags": ["x"]}, "tags[0]"),
        ({"name": "x" * 256}, "name"),
        ({"nmae": "x"}, "nmae"),
    ],
)
def test_change__what_cannot_be__is_refused_and_changes_nothing(ada: Person, body: Any, field: str) -> None:
    host = factories.asset(ada.customer, "as it was", tags=(factories.tag(ada.customer, "one"),))
    path = f"asset/{host.public_id}"
    before = ada.get(path).json()

    answer = ada.patch(path, {"name": "other"} | body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert ada.get(path).json() == before


def test_change__by_role__takes_an_operator(ada: Person) -> None:
    host = factories.asset(ada.customer)
    viewer, operator = (factories.person(customer=ada.customer, role=role) for role in (Role.VIEWER, Role.OPERATOR))

    assert viewer.patch(f"asset/{host.public_id}", {"name": "mine"}).status_code == 403
    assert operator.patch(f"asset/{host.public_id}", {"name": "mine"}).status_code == 200
    assert operator.delete(f"asset/{host.public_id}").status_code == 403


def test_change__name_while_it_is_scanned__stays(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer, "reported")
    path = f"asset/{host.public_id}"

    def work(what: int) -> None:
        if what:
            _rescan(host, "reported")
        else:
            assert ada.patch(path, {"name": "given"}).status_code == 200

    for _ in range(3):
        assert factories.at_once(work, 0, 1, 1) == [None] * 3
        assert ada.get(path).json()["name"] == "given"
        ada.patch(path, {"name": None})


def test_delete__while_many_tag_it__leaves_no_error_and_no_trace(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    tag = factories.tag(ada.customer, "web")
    host = factories.asset(ada.customer)

    def work(what: int) -> int:
        if what == 0:
            return int(ada.delete(f"asset/{host.public_id}").status_code)
        return int(ada.put(f"asset/{host.public_id}/tags/{tag.public_id}").status_code)

    found = factories.at_once(work, 0, 1, 2, 3)

    assert found[0] == 200
    assert set(found[1:]) <= {200, 404}
    with acting_for(ada.customer.pk):
        assert not Asset.objects.exists()
        assert Tag.objects.count() == 1


def test_scan__interfaces__are_answered_as_the_agent_told_of_them(ada: Person) -> None:
    host = factories.asset(ada.customer)
    interface = {
        "interfaceName": "eth0",
        "macAddress": "aa:bb:cc:dd:ee:ff",
        "address": "192.0.2.7",
        "gatewayAddress": "192.0.2.1",
        "ipv6Address": "2001:db8::7",
    }

    _rescan(host, host.name, interfaces=[interface])

    assert ada.get(f"asset/{host.public_id}").json()["interfaces"] == [interface]
    del interface["ipv6Address"]
    assert ada.post("assets", {}).json()[0]["interfaces"] == [interface]
    assert _names(ada.get("assets?query=interfaces.gatewayAddress:'192.0.2.1'")) == [host.name]
