"""Assets, tags and patches over HTTP, as the wire contract has it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Asset, AssetTag, Patch, Platform, Tag
from tenants.models import Role
from tests import factories
from tests.factories import NOW, Person

NOW_MS = int(NOW.timestamp() * 1000)
NOBODY = str(uuid.UUID(int=1))

ASSET_KEYS = {
    "name", "id", "operatingSystem", "lastLoggedOnUser", "assetStatus", "scanStatus", "statusCode", "statusDateTime",
    "scanDateTime", "hardware", "tags", "interfaces", "installedPatches", "missingPatches",
}  # fmt: skip
# Of ours, beside what the contract names.
OUR_ASSET_KEYS = {
    "platform", "osIdentifier", "version", "architecture", "timezone", "rebootRequired", "assetId", "reportedName",
    "reportedTimezone",
}  # fmt: skip
PATCH_KEYS = {
    "id", "title", "type", "platform", "architecture", "bulletin", "category", "cve", "kb", "modifiedDate", "appFamily",
    "product", "publishedDate", "qid", "rebootRequired", "supersededBy", "supersedes", "vendor", "vendorSeverity",
    "vendorlink", "missingCount", "installedCount", "downloadMethod", "advisory", "enabled", "packageDetails",
    "isSecurity", "isSuperseded", "isRollback", "isCustomizedDownloadUrl",
}  # fmt: skip


def _names(answer: Any, key: str = "name") -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [row[key] for row in answer.json()]


# --- assets -----------------------------------------------------------------------------------------------------------


def test_assets__row__has_exactly_its_keys(ada: Person) -> None:
    tags = tuple(factories.tag(ada.customer, name) for name in ("b", "a"))
    host = factories.asset(ada.customer, "web-1", tags=tags)
    Asset.objects.update(
        interfaces=[{"interfaceName": "eth0", "macAddress": "aa", "address": "10.0.0.1"}],
        hardware={"model": "X1", "manufacturer": None},
        operating_system="Debian 13",
        last_contact_at=NOW,
    )
    there, wanted = factories.patch(ada.customer, "there"), factories.patch(ada.customer, "wanted")
    factories.installed(there, host)
    factories.missing(wanted, host)

    (row,) = ada.get("assets").json()

    assert row.keys() == ASSET_KEYS | OUR_ASSET_KEYS
    assert {key: row[key] for key in ASSET_KEYS} == {
        "id": str(host.public_id),
        "name": "web-1",
        "operatingSystem": "Debian 13",
        "lastLoggedOnUser": None,
        "assetStatus": "Active" if timezone.now() < NOW + timedelta(days=30) else "Inactive",
        "scanStatus": "Scanned",
        "statusCode": None,
        "statusDateTime": NOW_MS,
        "scanDateTime": NOW_MS,
        "hardware": {"model": "X1", "manufacturer": None},
        "tags": [{"id": str(tag.public_id), "name": tag.name} for tag in reversed(tags)],
        "interfaces": [
            {
                "interfaceName": "eth0",
                "macAddress": "aa",
                "address": "10.0.0.1",
                "gatewayAddress": None,
                "ipv6Address": None,
            }
        ],
        "installedPatches": [str(there.public_id)],
        "missingPatches": [str(wanted.public_id)],
    }
    assert ada.get(f"asset/{host.public_id}").json() == row


@pytest.mark.parametrize(
    ("asked", "names"),
    [("", ["a-1", "a-2", "b_1"]), ("name=A-", ["a-1", "a-2"]), ("name=_", ["b_1"]), ("platform=windows", ["a-2"]),
     ("name=a&platform=Linux", ["a-1"]), ("pageSize=1&pageNumber=1", ["a-2"]), ("name=%25", [])],
)  # fmt: skip
def test_assets__filter__is_applied(ada: Person, asked: str, names: list[str]) -> None:
    for name, platform in [("b_1", Platform.LINUX), ("a-2", Platform.WINDOWS), ("a-1", Platform.LINUX)]:
        factories.asset(ada.customer, name, platform=platform)

    assert _names(ada.get(f"assets?{asked}")) == names


@pytest.mark.parametrize(
    "path", ["assets?nam=a", "assets?platform=Mac", "patches?status=Gone", "tags?nam=a", "patches/count?x=1"]
)
def test_list__what_cannot_be__is_400(ada: Person, path: str) -> None:
    answer = ada.get(path)

    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 1


def test_assets__thirty__take_as_many_queries_as_one(ada: Person) -> None:
    patch, tag = factories.patch(ada.customer), factories.tag(ada.customer, "web")
    counts: dict[str, list[int]] = {"assets": [], "patches": [], "tags": [], f"patch/{patch.public_id}/assets": []}

    for hosts in (1, 29):
        made = [factories.asset(ada.customer, tags=(tag,)) for _ in range(hosts)]
        factories.missing(patch, *made)
        for number in range(hosts):
            factories.patch(ada.customer, f"package {hosts}-{number}")
            factories.tag(ada.customer, f"tag {hosts}-{number}", tag)
        for path, found in counts.items():
            with CaptureQueriesContext(connection) as captured:
                assert ada.get(f"{path}?pageSize=100").status_code == 200
            found.append(len(captured))

    assert all(one == many for one, many in counts.values()), counts


def test_asset__deleted_by_an_admin__is_gone(ada: Person) -> None:
    host = factories.asset(ada.customer)
    operator = factories.person(customer=ada.customer, role=Role.OPERATOR)

    refused = operator.delete(f"asset/{host.public_id}")
    answer = ada.delete(f"asset/{host.public_id}")

    assert refused.status_code == 403
    assert (answer.status_code, answer.json()) == (200, {"deleted": str(host.public_id)})
    assert ada.get(f"asset/{host.public_id}").status_code == 404


def test_asset__named_by_jobs_and_runs__can_be_deleted(ada: Person) -> None:
    host = factories.asset(ada.customer)
    body = factories.job_body(assetIds=[str(host.public_id)], preDeployActions=[factories.script()], status="Enabled")
    job = ada.post("deploymentjob", body).json()

    answer = ada.delete(f"asset/{host.public_id}")

    assert answer.status_code == 200, answer.json()
    assert ada.get(f"deploymentjob/{job['id']}").json()["assetIds"] is None


@pytest.mark.parametrize("path", ["asset/{}", "tag/{}", "patch/{}", "patch/{}/assets", "asset/{}/tags/{}"])
@pytest.mark.parametrize("name", [NOBODY, "1", "nobody", "%00"])
def test_one__that_is_none__is_404(ada: Person, path: str, name: str) -> None:
    call = ada.put if "tags" in path else ada.get

    answer = call(path.format(name, name))

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "1930")


# --- tags -------------------------------------------------------------------------------------------------------------


def test_tags__create_read_change_delete(ada: Person) -> None:
    parent = ada.post("tags", {"name": "site"})
    child = ada.post("tags", {"name": "room", "parentId": parent.json()["id"]})
    path = f"tag/{child.json()['id']}"

    renamed = ada.patch(path, {"name": "hall"})
    moved = ada.patch(path, {"parentId": None})

    assert (parent.status_code, parent.headers["Location"]) == (201, f"/pm/v1/tag/{parent.json()['id']}")
    assert child.json() == {
        "id": child.json()["id"],
        "name": "room",
        "parentId": parent.json()["id"],
        "query": None,
        "assetCount": 0,
    }
    assert renamed.json() == child.json() | {"name": "hall"}
    assert moved.json() == renamed.json() | {"parentId": None}
    assert ada.get(path).json() == moved.json()
    assert _names(ada.get("tags")) == ["hall", "site"]
    assert ada.delete(path).json() == {"deleted": child.json()["id"]}
    assert ada.get(path).status_code == 404


def test_tags__answer_sent_back__changes_nothing(ada: Person) -> None:
    tag = ada.post("tags", {"name": "site"}).json()

    answer = ada.patch(f"tag/{tag['id']}", tag)

    assert (answer.status_code, answer.json()) == (200, tag)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "parent": NOBODY}, "parent"),
        ({"name": "x", "parentId": NOBODY}, "parentId"),
        ({"name": "x", "parentId": "y"}, "parentId"),
    ],
)
def test_tags__what_cannot_be__is_refused_where_it_stands(ada: Person, body: Any, field: str) -> None:
    answer = ada.post("tags", body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not Tag.objects.exists()


def test_tags__null_or_empty_name__leaves_it(ada: Person) -> None:
    path = f"tag/{ada.post('tags', {'name': 'site'}).json()['id']}"

    answers = [ada.patch(path, {"name": name}) for name in ("", None)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert ada.get(path).json()["name"] == "site"


def test_tags__foreign_parent__is_like_one_that_never_was(ada: Person) -> None:
    foreign = factories.tag(factories.stranger().customer, "theirs")

    answers = [ada.post("tags", {"name": "x", "parentId": one}) for one in (str(foreign.public_id), NOBODY)]

    texts = {answer.json()["message"].replace(str(foreign.public_id), NOBODY) for answer in answers}
    assert [answer.status_code for answer in answers] == [400, 400]
    assert len(texts) == 1


def test_tags__name_taken_and_loop__are_told(ada: Person) -> None:
    site = ada.post("tags", {"name": "site"}).json()
    room = ada.post("tags", {"name": "room", "parentId": site["id"]}).json()

    taken = ada.post("tags", {"name": "room"})
    loop = ada.patch(f"tag/{site['id']}", {"parentId": room["id"]})
    full = ada.delete(f"tag/{site['id']}")

    assert (taken.status_code, taken.json()["errorCode"]) == (409, "1920")
    assert (loop.status_code, loop.json()["errors"][0]["field"]) == (400, "parentId")
    assert full.status_code == 409


def test_tags__same_name_at_once__one_is_made(committed: None) -> None:
    ada = factories.person(customer=factories.customer())

    answers = factories.at_once(lambda: ada.post("tags", {"name": "site"}), threads=4)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_asset_tag__put_and_delete__show_the_asset(ada: Person) -> None:
    host, tag = factories.asset(ada.customer), factories.tag(ada.customer, "web")
    path = f"asset/{host.public_id}/tags/{tag.public_id}"

    put = [ada.put(path) for _ in range(2)]
    taken = [ada.delete(path) for _ in range(2)]

    assert [answer.json()["tags"] for answer in put] == [[{"id": str(tag.public_id), "name": "web"}]] * 2
    assert [(answer.status_code, answer.json()["tags"]) for answer in taken] == [(200, [])] * 2
    assert not AssetTag.objects.exists()


def test_tags__written_by_a_viewer__are_refused(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    host, tag = factories.asset(ada.customer), factories.tag(ada.customer, "web")

    answers = [
        viewer.post("tags", {"name": "x"}),
        viewer.patch(f"tag/{tag.public_id}", {"name": "x"}),
        viewer.delete(f"tag/{tag.public_id}"),
        viewer.put(f"asset/{host.public_id}/tags/{tag.public_id}"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert _names(viewer.get("tags")) == ["web"]


# --- patches ----------------------------------------------------------------------------------------------------------


def test_patches__row__has_exactly_its_keys(ada: Person) -> None:
    patch = factories.patch(ada.customer)
    hosts = [factories.asset(ada.customer) for _ in range(3)]
    factories.missing(patch, *hosts[:2])
    factories.installed(patch, hosts[2])
    Patch.objects.update(cves=["CVE-2026-1"], severity="Important", advisory="A-1", source="stable", modified_at=NOW)

    (row,) = ada.get("patches").json()

    assert row.keys() == PATCH_KEYS
    assert row == {
        "id": str(patch.public_id),
        "title": "acme-app 2.0",
        "type": "Package",
        "platform": "Linux",
        "architecture": ["all"],
        "bulletin": None,
        "category": None,
        "cve": ["CVE-2026-1"],
        "kb": None,
        "modifiedDate": NOW_MS,
        "appFamily": [],
        "product": ["acme-app"],
        "publishedDate": None,
        "qid": [],
        "rebootRequired": None,
        "supersededBy": [],
        "supersedes": [],
        "vendor": "stable",
        "vendorSeverity": "Important",
        "vendorlink": None,
        "missingCount": 2,
        "installedCount": 1,
        "downloadMethod": "Automatic",
        "advisory": "A-1",
        "enabled": True,
        "packageDetails": [{"packageName": "acme-app", "architecture": "all"}],
        "isSecurity": True,
        "isSuperseded": False,
        "isRollback": True,
        "isCustomizedDownloadUrl": False,
    }
    assert ada.get(f"patch/{patch.public_id}").json() == row


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("", ["c 2.0", "b 2.0", "a 2.0"]),
        ("status=Missing", ["a 2.0"]),
        ("status=installed", ["b 2.0", "a 2.0"]),
        ("name=B", ["b 2.0"]),
        ("platform=Windows", []),
        ("status=Missing&name=b", []),
    ],
)
def test_patches__filter__is_applied_to_list_and_count(ada: Person, asked: str, titles: list[str]) -> None:
    a, b, _ = (factories.patch(ada.customer, name) for name in "abc")
    one, two = factories.asset(ada.customer), factories.asset(ada.customer)
    factories.missing(a, one)
    factories.installed(a, two)
    factories.installed(b, two)

    assert _names(ada.get(f"patches?{asked}"), "title") == titles
    assert ada.get(f"patches/count?{asked}").json() == {"patches": {"count": len(titles)}}


def test_patch__its_assets__are_those_that_miss_or_have_it(ada: Person) -> None:
    patch = factories.patch(ada.customer)
    one, two, _ = (factories.asset(ada.customer, name) for name in ("one", "two", "three"))
    factories.missing(patch, two)
    factories.installed(patch, one)

    assert _names(ada.get(f"patch/{patch.public_id}/assets")) == ["one", "two"]
