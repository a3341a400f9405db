"""Tags, and the array on the asset that targeting reads."""

import pytest

from core.customer_context import acting_for
from core.errors import Conflict, InvalidInput
from inventory import services
from inventory.models import Asset, AssetTag, Tag
from tests import factories
from tests.factories import NOW, Person


def _carried(asset: Asset) -> set[str]:
    """The tags that targeting sees on it."""
    ids = Asset.objects.values_list("tag_ids", flat=True).get(pk=asset.pk)
    assert ids == sorted(set(ids))
    return set(Tag.objects.filter(pk__in=ids).values_list("name", flat=True))


@pytest.fixture
def tags(ada: Person) -> dict[str, Tag]:
    """site > floor > room, and another site."""
    made: dict[str, Tag] = {}
    for name, parent in [("site", ""), ("floor", "site"), ("room", "floor"), ("other site", "")]:
        made[name] = factories.tag(ada.customer, name, made.get(parent))
    return made


def test_tag_asset__child__carries_all_above_it(ada: Person, tags: dict[str, Tag]) -> None:
    host = factories.asset(ada.customer, tags=(tags["room"],))

    assert _carried(host) == {"room", "floor", "site"}


def test_tag_asset__twice__is_once(ada: Person, tags: dict[str, Tag]) -> None:
    host = factories.asset(ada.customer, tags=(tags["site"], tags["site"]))

    assert AssetTag.objects.count() == 1
    assert _carried(host) == {"site"}


def test_untag_asset__one_of_two__leaves_what_the_other_brings(ada: Person, tags: dict[str, Tag]) -> None:
    host = factories.asset(ada.customer, tags=(tags["room"], tags["floor"], tags["other site"]))

    for _ in range(2):
        services.untag_asset(asset=host, tag=tags["room"])

    assert _carried(host) == {"floor", "site", "other site"}


def test_change_tag__moved__takes_its_assets_along(ada: Person, tags: dict[str, Tag]) -> None:
    deep, beside = (factories.asset(ada.customer, tags=(tags[name],)) for name in ("room", "site"))

    services.change_tag(tag=tags["floor"], name="floor", parent=tags["other site"], at=NOW)

    assert _carried(deep) == {"room", "floor", "other site"}
    assert _carried(beside) == {"site"}

    services.change_tag(tag=tags["floor"], name="first floor", parent=None, at=NOW)

    assert _carried(deep) == {"room", "first floor"}


@pytest.mark.parametrize("below", ["site", "floor", "room"])
def test_change_tag__below_itself__is_refused(tags: dict[str, Tag], below: str) -> None:
    with pytest.raises(InvalidInput, match="descendants"):
        services.change_tag(tag=tags["site"], name="site", parent=Tag.objects.get(pk=tags[below].pk), at=NOW)

    assert Tag.objects.get(pk=tags["site"].pk).parent is None


def test_change_tag__two_moves_at_once__make_no_loop(committed: None) -> None:
    customer = factories.customer()
    one, two = (factories.tag(customer, name) for name in ("one", "two"))

    def move(pair: tuple[int, int]) -> None:
        with acting_for(customer.pk):
            tag, parent = (Tag.objects.get(pk=pk) for pk in pair)
            services.change_tag(tag=tag, parent=parent, at=NOW)

    for _ in range(5):
        factories.at_once(move, (one.pk, two.pk), (two.pk, one.pk))

        with acting_for(customer.pk):
            parents = dict(Tag.objects.values_list("pk", "parent_id"))
            assert None in parents.values(), "each is the other's parent"
            Tag.objects.update(parent=None)


def test_tags__name_that_is_taken__conflicts(ada: Person, tags: dict[str, Tag]) -> None:
    with pytest.raises(Conflict):
        services.create_tag(customer_id=ada.customer.pk, name="site", at=NOW)
    with pytest.raises(Conflict):
        services.change_tag(tag=tags["room"], name="site", parent=None, at=NOW)
    # Another customer's names are their own.
    assert factories.tag(factories.stranger().customer, "site")


def test_delete_tag__leaf__goes_from_its_assets(ada: Person, tags: dict[str, Tag]) -> None:
    host = factories.asset(ada.customer, tags=(tags["room"], tags["other site"]))

    services.delete_tag(tag=tags["room"])

    assert _carried(host) == {"other site"}
    assert not Tag.objects.filter(name="room").exists()


def test_delete_tag__with_children__conflicts(tags: dict[str, Tag]) -> None:
    with pytest.raises(Conflict, match="child"):
        services.delete_tag(tag=tags["floor"])

    assert Tag.objects.count() == 4


def test_tag_asset__many_at_once__all_are_carried(committed: None) -> None:
    customer = factories.customer()
    tags = [factories.tag(customer, f"tag {number}") for number in range(6)]
    host = factories.asset(customer)

    def put(tag: Tag) -> None:
        with acting_for(customer.pk):
            services.tag_asset(asset=host, tag=tag)

    assert factories.at_once(put, *tags) == [None] * 6
    with acting_for(customer.pk):
        assert _carried(host) == {tag.name for tag in tags}


def test_delete__a_live_job_is_narrowed_by_it__conflicts_until_the_job_is_gone(ada: Person) -> None:
    web, lab = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "lab")
    job = factories.job(ada, assetTagIds=[str(web.public_id)], exclusionTagIds=[str(lab.public_id)])

    refused = ada.delete(f"tag/{lab.public_id}")
    ada.delete(f"deploymentjob/{job.public_id}")
    allowed = ada.delete(f"tag/{lab.public_id}")

    assert (refused.status_code, refused.json()["errorCode"], allowed.status_code) == (409, "1920", 200)
