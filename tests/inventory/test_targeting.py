"""The SQL of a target list against a model of it in plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.customer_context import acting_for
from inventory import services as inventory
from inventory.models import Asset, AssetTag, Tag
from inventory.targeting import Target, considered
from tests import factories
from tests.conftest import _empty
from tests.properties import FACTOR

# Tag → its parent. A chain of three, a fork, and one alone.
PARENTS = {"site": None, "floor": "site", "room": "floor", "web": None, "web a": "web", "web b": "web", "alone": None}
TAGS = list(PARENTS)
HOSTS = list(range(8))


@dataclass(frozen=True)
class Fleet:
    """Rows that all examples share; only who has which tag differs."""

    customer_id: int
    tags: dict[str, Tag]
    hosts: list[Asset]


@pytest.fixture(scope="module")
def fleet(django_db_setup: None, django_db_blocker: Any) -> Iterator[Fleet]:
    """Committed once for the module."""
    with django_db_blocker.unblock():
        customer = factories.customer()
        tags: dict[str, Tag] = {}
        for name, parent in PARENTS.items():
            tags[name] = factories.tag(customer, name, tags[parent] if parent else None)
        yield Fleet(customer.pk, tags, [factories.asset(customer) for _ in HOSTS])
        _empty()


def _carried(own: set[str]) -> set[str]:
    """The tags of a host and all above them."""
    carried = set(own)
    for name in own:
        while (name := PARENTS[name]) is not None:
            carried.add(name)
    return carried


def _named(host: int, has: set[str], hosts: list[int], tags: list[str], all_tags: bool) -> bool:
    by_tags = bool(tags) and (all if all_tags else any)(tag in has for tag in tags)
    return host in hosts or by_tags


@dataclass(frozen=True)
class Lists:
    """A target list by names and numbers."""

    hosts: list[int]
    tags: list[str]
    match_all: list[str]
    without_hosts: list[int]
    without_tags: list[str]
    all_tags: bool
    all_without: bool

    def included(self, host: int, has: set[str]) -> bool:
        """Whether a host that carries these tags is considered."""
        named = _named(host, has, self.hosts, self.tags, self.all_tags)
        return named and all(tag in has for tag in self.match_all)

    def excluded(self, host: int, has: set[str]) -> bool:
        """Whether it is taken away again."""
        return _named(host, has, self.without_hosts, self.without_tags, self.all_without)

    def target(self, fleet: Fleet) -> Target:
        """In the ids of the rows."""
        return Target(
            asset_ids=[fleet.hosts[host].pk for host in self.hosts],
            tag_ids=[fleet.tags[tag].pk for tag in self.tags],
            all_tags=self.all_tags,
            match_all_tag_ids=[fleet.tags[tag].pk for tag in self.match_all],
            exclusion_asset_ids=[fleet.hosts[host].pk for host in self.without_hosts],
            exclusion_tag_ids=[fleet.tags[tag].pk for tag in self.without_tags],
            all_exclusion_tags=self.all_without,
        )


_own_tags = st.sets(st.sampled_from(TAGS), max_size=3)
_lists = st.builds(
    Lists,
    *(st.lists(st.sampled_from(of), max_size=3) for of in (HOSTS, TAGS, TAGS, HOSTS, TAGS)),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=40 * FACTOR, deadline=None)
@given(own=st.lists(_own_tags, min_size=len(HOSTS), max_size=len(HOSTS)), lists=_lists)
def test_target__any_lists__mean_what_the_model_says(fleet: Fleet, own: list[set[str]], lists: Lists) -> None:
    has = [_carried(one) for one in own]
    included = {host for host in HOSTS if lists.included(host, has[host])}
    target = lists.target(fleet)

    with acting_for(fleet.customer_id):
        AssetTag.objects.all().delete()
        Asset.objects.update(tag_ids=[])
        for host, names in zip(fleet.hosts, own, strict=True):
            for name in names:
                inventory.tag_asset(asset=host, tag=fleet.tags[name])
        found = considered(customer_id=fleet.customer_id, target=target)
        number = {host.pk: index for index, host in enumerate(fleet.hosts)}
        shown = {number[pk] for pk in found.values_list("pk", flat=True)}
        shown_excluded = {number[pk] for pk in found.filter(target.excluded()).values_list("pk", flat=True)}

    assert shown == included
    assert shown_excluded == {host for host in included if lists.excluded(host, has[host])}


def test_target__of_another_customer__finds_nobody(fleet: Fleet) -> None:
    other = factories.customer()

    with acting_for(other.pk):
        target = Target(asset_ids=[host.pk for host in fleet.hosts])

        assert not considered(customer_id=other.pk, target=target).exists()


@pytest.mark.parametrize(
    ("changes", "names"),
    [({}, False), ({"asset_ids": [1]}, True), ({"tag_ids": [1]}, True), ({"exclusion_asset_ids": [1]}, False)],
)
def test_names_hosts__only_inclusions__count(changes: dict[str, Any], names: bool) -> None:
    assert replace(Target(), **changes).names_hosts() is names
