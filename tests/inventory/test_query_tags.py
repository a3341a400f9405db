"""Tags that have a query: who carries them, and that it stays true whoever changes what at the same time."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.customer_context import acting_for
from inventory import services
from inventory.descriptions import Machine, Scan
from inventory.models import Asset, AssetTag, Platform, Tag
from inventory.services import membership
from inventory.tasks import sweep_tags
from tests import factories
from tests.factories import NOW, Person, later
from tests.tenants.worlds import scan


def _carrying(tag: Any) -> set[str]:
    """The assets that carry the tag; links and arrays must tell the same."""
    pk = Tag.objects.values_list("pk", flat=True).get(public_id=tag["id"])
    linked = set(AssetTag.objects.filter(tag_id=pk).values_list("asset__name", flat=True))
    assert linked == set(Asset.objects.filter(tag_ids__contains=[pk]).values_list("name", flat=True))
    return linked


def _tag(by: Person, query: str | None, name: str = "by query", **more: Any) -> Any:
    answer = by.post("tags", {"name": name, "query": query, **more})
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _rescan(asset: Asset, name: str = "", missing: bool = False, **machine: Any) -> None:
    """The asset's agent scans it: something is missing there, or nothing."""
    updates = (("app", "1.0", "2.0"),) if missing else ()
    told = scan(("app", "1.0"), updates=updates, name=name or asset.name)
    told["machine"] |= {"osIdentifier": asset.os_identifier, **machine}
    with acting_for(asset.customer_id):
        services.record_scan(asset=Asset.objects.get(pk=asset.pk), scan=Scan.model_validate(told), at=NOW)


# --- when the tag is saved --------------------------------------------------------------------------------------------


def test_create__query__is_carried_by_what_it_finds_and_counts_for_targets(ada: Person) -> None:
    for name in ("web-1", "web-2", "db-1"):
        factories.asset(ada.customer, name)
    above = ada.post("tags", {"name": "above"}).json()

    tag = _tag(ada, "name:web", parentId=above["id"])

    above_pk = Tag.objects.get(name="above").pk
    assert _carrying(tag) == {"web-1", "web-2"}
    assert tag["assetCount"] == 2
    assert Asset.objects.filter(tag_ids__contains=[above_pk]).count() == 2
    assert not AssetTag.objects.filter(by_hand=True).exists()


def test_change__another_query__is_carried_by_others_alone(ada: Person) -> None:
    for name in ("web-1", "web-2", "db-1"):
        factories.asset(ada.customer, name)
    tag = _tag(ada, "name:web")
    path = f"tag/{tag['id']}"

    changed = ada.patch(path, {"query": "name:1"})
    now = _carrying(tag)
    renamed = ada.patch(path, {"name": "renamed"})

    assert (changed.json()["query"], changed.json()["assetCount"]) == ("name:1", 2)
    assert now == {"web-1", "db-1"}
    assert renamed.json()["query"] == "name:1"
    assert _carrying(tag) == {"web-1", "db-1"}


@pytest.mark.parametrize("nothing", [None, "", "null"])
def test_change__no_query_any_more__leaves_what_people_put_on(ada: Person, nothing: Any) -> None:
    web, database = (factories.asset(ada.customer, name) for name in ("web-1", "db-1"))
    tag = _tag(ada, "name:web")
    ada.put(f"asset/{database.public_id}/tags/{tag['id']}")
    before = _carrying(tag)

    changed = ada.patch(f"tag/{tag['id']}", {"query": nothing}).json()

    assert before == {web.name, database.name}
    assert changed["query"] is None
    assert _carrying(tag) == {"db-1"}


def test_change__answer_sent_back__changes_nothing(ada: Person) -> None:
    factories.asset(ada.customer, "web-1")
    tag = _tag(ada, "name:web")

    assert ada.patch(f"tag/{tag['id']}", tag).json() == tag
    assert _carrying(tag) == {"web-1"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("tags.name:other", "cannot ask for tags (tags.name)"),
        ("name:a and not (platform:Linux or tags.id:*)", "column 35"),
        ("nam:a", "unknown token"),
        ("name:", "expected"),
        ("assetId:x", "whole number"),
    ],
)
def test_query__that_cannot_be_a_tags__is_refused_where_it_stands(ada: Person, query: str, says: str) -> None:
    plain = ada.post("tags", {"name": "plain"}).json()

    answers = [ada.post("tags", {"name": "x", "query": query}), ada.patch(f"tag/{plain['id']}", {"query": query})]

    for answer in answers:
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "1905")
        assert [one["field"] for one in answer.json()["errors"]] == ["query"]
        assert says in answer.json()["message"]
    assert Tag.objects.count() == 1


def test_query__as_many_tags_as_there_may_be__no_more(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MOST_QUERY_TAGS", 2)
    plain = ada.post("tags", {"name": "plain"}).json()
    first, _ = (_tag(ada, "name:a", name) for name in ("one", "two"))

    assert ada.post("tags", {"name": "three", "query": "name:a"}).status_code == 409
    assert ada.patch(f"tag/{plain['id']}", {"query": "name:a"}).status_code == 409
    assert ada.patch(f"tag/{first['id']}", {"query": "name:b"}).status_code == 200


# --- when an asset is told of -----------------------------------------------------------------------------------------


def test_scan__asset_is_found_now__carries_it_until_it_is_not(ada: Person) -> None:
    host, beside = (factories.asset(ada.customer, name) for name in ("web-1", "web-2"))
    tag = _tag(ada, "missingPatchCount > 0")
    seen = [_carrying(tag)]

    for missing in (True, True, False):
        _rescan(host, missing=missing)
        seen.append(_carrying(tag))

    assert seen == [set(), {"web-1"}, {"web-1"}, set()]
    assert Asset.objects.get(pk=beside.pk).tag_ids == []


def test_enrolment__of_what_a_query_finds__carries_it_at_once(ada: Person) -> None:
    tag = _tag(ada, "platform:Windows")
    machine = Machine(name="new", platform=Platform.WINDOWS, os_identifier="new")

    services.register_asset(customer_id=ada.customer.pk, machine=machine, at=NOW)

    assert _carrying(tag) == {"new"}


def test_name__given_by_a_person__is_what_queries_see(ada: Person) -> None:
    host = factories.asset(ada.customer, "srv-0815")
    tag, zoned = _tag(ada, "name:payroll"), _tag(ada, "timezone:Europe", "zoned")

    ada.patch(f"asset/{host.public_id}", {"name": "payroll", "timezone": "Europe/Berlin"})
    given = (_carrying(tag), _carrying(zoned))
    ada.patch(f"asset/{host.public_id}", {"name": None, "timezone": None})

    assert given == ({"payroll"}, {"payroll"})
    assert (_carrying(tag), _carrying(zoned)) == (set(), set())


def test_scan__with_sixty_tags__takes_two_more_queries_than_with_one(ada: Person) -> None:
    host = factories.asset(ada.customer, "web-1")
    _tag(ada, "name:web", "tag 0")
    counts = []

    for number in (1, 60):
        for more in range(1, number):
            _tag(ada, "name:web and missingPatchCount = 0", f"tag {more}")
        Asset.objects.update(tag_ids=[])
        AssetTag.objects.all().delete()
        with CaptureQueriesContext(connection) as captured:
            _rescan(host)
        counts.append(len(captured))

    assert AssetTag.objects.count() == 60
    assert counts[1] - counts[0] <= 2


# --- people and queries -----------------------------------------------------------------------------------------------


def test_query__what_a_person_put_on__is_never_taken_off(ada: Person) -> None:
    host = factories.asset(ada.customer, "web-1")
    tag = _tag(ada, "missingPatchCount > 0")
    ada.put(f"asset/{host.public_id}/tags/{tag['id']}")

    for missing in (True, False):
        _rescan(host, missing=missing)
    ada.patch(f"tag/{tag['id']}", {"query": "name:nothing"})

    assert _carrying(tag) == {"web-1"}
    link = AssetTag.objects.get()
    assert (link.by_hand, link.by_query) == (True, False)


def test_untag__what_the_query_finds__conflicts_and_keeps_it(ada: Person) -> None:
    host = factories.asset(ada.customer, "web-1")
    tag, plain = _tag(ada, "name:web"), _tag(ada, None, "plain")
    ada.put(f"asset/{host.public_id}/tags/{plain['id']}")

    answers = [
        ada.delete(f"asset/{host.public_id}/tags/{tag['id']}"),
        ada.patch(f"asset/{host.public_id}", {"tags": [plain["id"]]}),
        ada.patch(f"asset/{host.public_id}", {"tags": []}),
    ]

    assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [(409, "1920")] * 3
    assert all("'by query'" in one.json()["message"] for one in answers)
    assert (_carrying(tag), _carrying(plain)) == ({"web-1"}, {"web-1"})


def test_set_tags__with_one_that_a_query_put_on__leaves_it_to_the_query(ada: Person) -> None:
    host = factories.asset(ada.customer, "web-1")
    tag, plain = _tag(ada, "name:web"), _tag(ada, None, "plain")

    answer = ada.patch(f"asset/{host.public_id}", {"tags": [tag["id"], plain["id"]]})

    by = {link.tag.name: (link.by_hand, link.by_query) for link in AssetTag.objects.select_related("tag")}
    assert answer.status_code == 200
    assert by == {"by query": (False, True), "plain": (True, False)}


def test_untag_many__what_the_query_finds__is_kept_and_counted(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, name) for name in ("web-1", "web-2", "db-1")]
    tag = _tag(ada, "name:web")
    path = f"tag/{tag['id']}/assets"
    ids = {"assetIds": [str(one.public_id) for one in hosts]}

    put = ada.post(path, ids).json()
    taken = ada.delete(path, ids).json()
    ada.patch(f"tag/{tag['id']}", {"query": None})

    assert put == {"assets": 3, "changed": 1, "kept": 0}
    assert taken == {"assets": 3, "changed": 1, "kept": 2}
    # What people had put on besides was taken off by that: nothing is left without the query.
    assert _carrying(tag) == set()


# --- from time to time ------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(committed: None) -> Person:
    """Acme's administrator; a machine that was heard of just now, and one long ago."""
    ada = factories.person(customer=factories.customer())
    for name, heard in (("fresh", NOW), ("old", NOW - timedelta(days=9))):
        host = factories.asset(ada.customer, name)
        with acting_for(ada.customer.pk):
            Asset.objects.filter(pk=host.pk).update(last_contact_at=heard)
    return ada


def _make(by: Person, query: str) -> Tag:
    with acting_for(by.customer.pk):
        return services.create_tag(customer_id=by.customer.pk, name=query, query=query, at=NOW)


def _names(by: Person, tag: Tag) -> set[str]:
    with acting_for(by.customer.pk):
        return _carrying({"id": tag.public_id})


def test_sweep__query_that_speaks_of_the_time__is_told_anew_when_it_is_due(fleet: Person) -> None:
    tag = _make(fleet, "statusDateTime < now-7d")
    seen = [_names(fleet, tag)]

    early = services.sweep_tags(at=later(seconds=settings.TAG_RECHECK_SECONDS - 1))
    due = services.sweep_tags(at=later(days=8))
    seen.append(_names(fleet, tag))
    again = services.sweep_tags(at=later(days=8, seconds=1))

    assert seen == [{"old"}, {"old", "fresh"}]
    assert (early, due, again) == (0, 1, 0)


def test_sweep__tags_of_several_customers__are_each_told_of_their_own(fleet: Person) -> None:
    other = factories.person(customer=factories.customer())
    factories.asset(other.customer, "theirs")
    tags = [(one, _make(one, "name:*")) for one in (fleet, other)]
    for one, _ in tags:
        with acting_for(one.customer.pk):
            AssetTag.objects.all().delete()
            Asset.objects.update(tag_ids=[])

    assert services.sweep_tags(at=later(days=1)) == 2

    assert [_names(one, tag) for one, tag in tags] == [{"fresh", "old"}, {"theirs"}]


def test_sweep__nothing_has_changed__waits_for_nobody(fleet: Person) -> None:
    tag = _make(fleet, "name:*")

    with acting_for(fleet.customer.pk):
        # Somebody is at work on the tree for long.
        services.tag_asset(asset=Asset.objects.get(name="old"), tag=tag)
        swept = factories.at_once(_sweep_without_waiting, threads=1)

    assert swept == [1]


def _sweep_without_waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '3s'")
    return services.sweep_tags(at=later(days=1))


def test_sweep__tag_whose_query_cannot_be_read_any_more__is_left_and_hinders_no_other(
    fleet: Person, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = _make(fleet, "name:fresh"), _make(fleet, "statusDateTime < now-7d")
    with acting_for(fleet.customer.pk):
        Tag.objects.filter(pk=broken.pk).update(query="nam:gone")

    services.sweep_tags(at=later(days=8))
    with acting_for(fleet.customer.pk):
        _rescan(Asset.objects.get(name="fresh"))

    assert _names(fleet, broken) == {"fresh"}
    assert _names(fleet, fine) == {"old"}
    assert "cannot be read any more" in caplog.text


def test_sweep__as_the_task_that_beat_sends__does_its_work(fleet: Person) -> None:
    tag = _make(fleet, "name:*")
    with acting_for(fleet.customer.pk):
        AssetTag.objects.all().delete()
        Asset.objects.update(tag_ids=[])

    sweep_tags.apply(throw=True)

    assert _names(fleet, tag) == {"fresh", "old"}


# --- races ------------------------------------------------------------------------------------------------------------


def test_race__scans_changes_of_the_query_and_sweeps__end_in_what_the_query_finds(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = [factories.asset(ada.customer, f"host-{number}") for number in range(4)]
    tag = _make(ada, "missingPatchCount > 0")
    path = f"tag/{tag.public_id}"

    def work(what: int) -> None:
        if what < len(hosts):
            _rescan(hosts[what], missing=what % 2 == 0)
        elif what == 4:
            assert ada.patch(path, {"query": "missingPatchCount = 0"}).status_code == 200
        elif what == 5:
            services.sweep_tags(at=later(days=1))
        else:
            asset = hosts[what % len(hosts)]
            assert ada.put(f"asset/{asset.public_id}/tags/{tag.public_id}").status_code == 200

    for _ in range(4):
        with acting_for(ada.customer.pk):
            AssetTag.objects.all().delete()
            Asset.objects.update(tag_ids=[])
            services.change_tag(tag=tag, query="missingPatchCount > 0", at=NOW)
        assert factories.at_once(work, *range(7)) == [None] * 7
        with acting_for(ada.customer.pk):
            by_query = set(AssetTag.objects.filter(by_query=True).values_list("asset__name", flat=True))
            by_hand = set(AssetTag.objects.filter(by_hand=True).values_list("asset__name", flat=True))
        assert by_query == {"host-1", "host-3"}
        assert by_hand == {"host-2"}
        assert _names(ada, tag) == {"host-1", "host-2", "host-3"}


def test_race__enrolments_while_a_query_is_saved__all_that_it_finds_carry_the_tag(committed: None) -> None:
    ada = factories.person(customer=factories.customer())

    def work(what: int) -> None:
        if what:
            factories.asset(ada.customer, f"host-{what}")
        else:
            assert ada.post("tags", {"name": "every", "query": "name:host"}).status_code == 201

    assert factories.at_once(work, *range(8)) == [None] * 8

    with acting_for(ada.customer.pk):
        tag = Tag.objects.get()
    assert _names(ada, tag) == {f"host-{number}" for number in range(1, 8)}
