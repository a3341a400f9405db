"""Many assets of one tag at once, and lists of tags."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.customer_context import acting_for
from inventory.models import Asset, AssetTag, Platform, Tag
from tenants.models import Role
from tests import factories
from tests.factories import Person

NOBODY = str(uuid.UUID(int=1))


def _ids(*assets: Asset) -> list[str]:
    return [str(one.public_id) for one in assets]


def _carrying(tag: Tag) -> set[str]:
    """The assets that targeting sees the tag on, which must be those that have links."""
    return set(Asset.objects.filter(tag_ids__contains=[tag.pk]).values_list("name", flat=True))


@pytest.fixture
def hosts(ada: Person) -> dict[str, Asset]:
    """Three machines."""
    names = {"a-1": Platform.LINUX, "a-2": Platform.WINDOWS, "b-1": Platform.LINUX}
    return {name: factories.asset(ada.customer, name, platform=platform) for name, platform in names.items()}


# --- tagging ----------------------------------------------------------------------------------------------------------


def test_tag_many__by_ids__are_tagged_and_counted(ada: Person, hosts: dict[str, Asset]) -> None:
    above = factories.tag(ada.customer, "above")
    tag = factories.tag(ada.customer, "web", above)
    path = f"tag/{tag.public_id}/assets"

    first = ada.post(path, {"assetIds": _ids(hosts["a-1"], hosts["a-2"])})
    again = ada.post(path, {"assetIds": ",".join(_ids(hosts["a-1"], hosts["b-1"]))})

    assert (first.status_code, first.json()) == (200, {"assets": 2, "changed": 2, "kept": 0})
    assert again.json() == {"assets": 2, "changed": 1, "kept": 0}
    assert _carrying(tag) == _carrying(above) == {"a-1", "a-2", "b-1"}
    assert AssetTag.objects.filter(tag=tag, by_hand=True, by_query=False).count() == 3


def test_tag_many__by_query__are_those_that_it_finds(ada: Person, hosts: dict[str, Asset]) -> None:
    tag, other = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "other")
    ada.post(f"tag/{other.public_id}/assets", {"query": "platform:Linux"})

    answer = ada.post(f"tag/{tag.public_id}/assets", {"query": "tags.name:other and name:a"})
    nobody = ada.post(f"tag/{tag.public_id}/assets", {"query": "name:zzz"})

    assert answer.json() == {"assets": 1, "changed": 1, "kept": 0}
    assert nobody.json() == {"assets": 0, "changed": 0, "kept": 0}
    assert _carrying(tag) == {"a-1"}


def test_untag_many__by_ids_or_query__lose_it(ada: Person, hosts: dict[str, Asset]) -> None:
    tag, kept = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "kept")
    for one in (tag, kept):
        ada.post(f"tag/{one.public_id}/assets", {"assetIds": _ids(*hosts.values())})
    path = f"tag/{tag.public_id}/assets"

    first = ada.delete(path, {"query": "name:a"})
    again = ada.delete(path, {"assetIds": _ids(*hosts.values())})

    assert (first.status_code, first.json()) == (200, {"assets": 2, "changed": 2, "kept": 0})
    assert again.json() == {"assets": 3, "changed": 1, "kept": 0}
    assert _carrying(tag) == set()
    assert _carrying(kept) == {"a-1", "a-2", "b-1"}


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "assetIds", "1903"),
        ({"assetIds": None, "query": ""}, "assetIds", "1903"),
        ({"assetIds": [NOBODY], "query": "name:a"}, "query", "1907"),
        ({"assetIds": ["x"]}, "assetIds[0]", "1905"),
        ({"assetIds": [NOBODY]}, "assetIds[0]", "1905"),
        ({"query": "nam:a"}, "query", "1905"),
        ({"ids": [NOBODY]}, "ids", "1901"),
    ],
)
def test_many__what_cannot_be_meant__is_told(ada: Person, method: str, body: Any, field: str, code: str) -> None:
    tag = factories.tag(ada.customer, "web")

    answer = getattr(ada, method)(f"tag/{tag.public_id}/assets", body)

    assert answer.status_code == 400
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert answer.json()["errorCode"] == code


@pytest.mark.parametrize("method", ["post", "delete"])
def test_many__one_is_anothers__is_like_unknown_and_changes_none(
    ada: Person, hosts: dict[str, Asset], method: str
) -> None:
    tag = factories.tag(ada.customer, "web")
    foreign = factories.asset(factories.stranger().customer)
    own = hosts["a-1"]
    ada.put(f"asset/{own.public_id}/tags/{tag.public_id}")
    before = _carrying(tag)

    answers = [
        getattr(ada, method)(f"tag/{tag.public_id}/assets", {"assetIds": [*_ids(hosts["b-1"], own), one]})
        for one in (str(foreign.public_id), NOBODY)
    ]

    texts = {answer.json()["message"].replace(str(foreign.public_id), NOBODY) for answer in answers}
    assert [answer.status_code for answer in answers] == [400, 400]
    assert len(texts) == 1
    assert _carrying(tag) == before


def test_many__all_that_are_unknown__are_told_at_once(ada: Person) -> None:
    tag = factories.tag(ada.customer, "web")
    own = factories.asset(ada.customer)

    answer = ada.post(f"tag/{tag.public_id}/assets", {"assetIds": [NOBODY, *_ids(own), str(uuid.UUID(int=2))]})

    assert [one["field"] for one in answer.json()["errors"]] == ["assetIds[0]", "assetIds[2]"]


def test_many__by_a_viewer__is_refused(ada: Person, hosts: dict[str, Asset]) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    path = f"tag/{factories.tag(ada.customer, 'web').public_id}/assets"

    assert viewer.post(path, {"query": "name:a"}).status_code == 403
    assert viewer.delete(path, {"query": "name:a"}).status_code == 403
    assert not AssetTag.objects.exists()


def test_many__thirty__take_as_many_queries_as_one(ada: Person) -> None:
    tag = factories.tag(ada.customer, "web")
    path = f"tag/{tag.public_id}/assets"
    counts: dict[str, list[int]] = {"post": [], "delete": []}

    for hosts in (1, 30):
        made = [factories.asset(ada.customer) for _ in range(hosts)]
        for method, found in counts.items():
            with CaptureQueriesContext(connection) as captured:
                assert getattr(ada, method)(path, {"assetIds": _ids(*made)}).json()["changed"] == hosts
            found.append(len(captured))

    assert all(one == many for one, many in counts.values()), counts


def test_many__two_tags_on_the_same_assets_at_once__all_are_carried(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    tags = [factories.tag(ada.customer, f"tag {number}") for number in range(4)]
    hosts = [factories.asset(ada.customer) for _ in range(12)]

    def work(number: int) -> int:
        # Each in another order: whoever locked assets in the order sent would wait for one who waits for them.
        mixed = hosts[number * 3 :] + hosts[: number * 3]
        return int(ada.post(f"tag/{tags[number].public_id}/assets", {"assetIds": _ids(*mixed)}).status_code)

    for _ in range(3):
        assert factories.at_once(work, *range(4)) == [200] * 4
        with acting_for(ada.customer.pk):
            every = sorted(tag.pk for tag in tags)
            assert all(one == every for one in Asset.objects.values_list("tag_ids", flat=True))
            AssetTag.objects.all().delete()
            Asset.objects.update(tag_ids=[])


def test_many__while_the_tag_is_deleted_or_moved__leaves_no_trace_of_it(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    above = factories.tag(ada.customer, "above")
    hosts = [factories.asset(ada.customer) for _ in range(5)]

    for number in range(4):
        tag = factories.tag(ada.customer, f"tag {number}", above)
        path = f"tag/{tag.public_id}"

        def work(what: str, path: str = path) -> int:
            if what == "tag":
                return int(ada.post(f"{path}/assets", {"assetIds": _ids(*hosts)}).status_code)
            if what == "move":
                return int(ada.patch(path, {"parentId": None}).status_code)
            return int(ada.delete(path).status_code)

        statuses = factories.at_once(work, "tag", "move", "delete", "tag")

        assert statuses[2] == 200
        assert set(statuses) <= {200, 404}
        with acting_for(ada.customer.pk):
            assert not AssetTag.objects.exists()
            assert all(one == [] for one in Asset.objects.values_list("tag_ids", flat=True))


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(ada: Person, hosts: dict[str, Asset]) -> dict[str, Tag]:
    """site > room, and one by query."""
    site = factories.tag(ada.customer, "site")
    room = factories.tag(ada.customer, "room", site)
    made = ada.post("tags", {"name": "by query", "query": "platform:Windows"}).json()
    ada.post(f"tag/{room.public_id}/assets", {"query": "name:*"})
    return {"site": site, "room": room, "by query": Tag.objects.get(public_id=made["id"])}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", ["by query", "room", "site"]),
        ("sort=-name", ["site", "room", "by query"]),
        ("sort=name&sortOrder=desc", ["site", "room", "by query"]),
        ("sort=-assetCount", ["room", "by query", "site"]),
        ("name=OO", ["room"]),
        ("parentId={site}", ["room"]),
        ("hasQuery=true", ["by query"]),
        ("hasQuery=false", ["room", "site"]),
        ("query=name:o and not hasQuery:true", ["room"]),
        ("query=parent.name:site", ["room"]),
        ("query=parentId:null", ["by query", "site"]),
        ("filter=query:windows", ["by query"]),
        ("pageSize=1&pageNumber=1", ["room"]),
    ],
)
def test_tags__list__is_what_is_asked(ada: Person, tree: dict[str, Tag], asked: str, names: list[str]) -> None:
    answer = ada.get(f"tags?{asked.format(site=tree['site'].public_id)}")

    assert answer.status_code == 200, answer.json()
    assert [row["name"] for row in answer.json()] == names


def test_tags__row__has_exactly_its_keys(ada: Person, tree: dict[str, Tag]) -> None:
    rows = {row["name"]: row for row in ada.get("tags").json()}

    assert rows["room"] == {
        "id": str(tree["room"].public_id),
        "name": "room",
        "parentId": str(tree["site"].public_id),
        "query": None,
        "assetCount": 3,
    }
    assert (rows["by query"]["query"], rows["by query"]["assetCount"]) == ("platform:Windows", 1)
    assert rows["site"]["assetCount"] == 0
    assert ada.get("tags?attributes=name&sort=name").json()[0] == {"name": "by query"}


@pytest.mark.parametrize("asked", ["sort=id,nothing", "attributes=nam", "query=nam:x", "parentId=x", "hasQuery=maybe"])
def test_tags__what_cannot_be_asked__is_400(ada: Person, asked: str) -> None:
    assert ada.get(f"tags?{asked}").status_code == 400
