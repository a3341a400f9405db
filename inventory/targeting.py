"""Which assets a target list means. Tags are read from the array on the asset: runtime figures in docs/adr/0005."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from inventory.models import Asset


@dataclass(frozen=True, slots=True)
class Target:
    """A target list in our own ids. Included are the assets, and who has the tags; exclusions are taken away last."""

    asset_ids: Sequence[int] = ()
    tag_ids: Sequence[int] = ()
    all_tags: bool = False
    match_all_tag_ids: Sequence[int] = ()
    exclusion_asset_ids: Sequence[int] = ()
    exclusion_tag_ids: Sequence[int] = ()
    all_exclusion_tags: bool = False

    def names_hosts(self) -> bool:
        """Whether anything is included at all."""
        return bool(self.asset_ids or self.tag_ids)

    def included(self) -> Q:
        """The assets considered, before exclusions."""
        wanted = _named(self.asset_ids, self.tag_ids, all_tags=self.all_tags)
        if self.match_all_tag_ids:
            wanted &= Q(tag_ids__contains=list(self.match_all_tag_ids))
        return wanted

    def excluded(self) -> Q:
        """The assets that are taken away again."""
        return _named(self.exclusion_asset_ids, self.exclusion_tag_ids, all_tags=self.all_exclusion_tags)


def considered(*, customer_id: int, target: Target) -> QuerySet[Asset]:
    """The customer's assets that a target list includes; the excluded ones are still among them."""
    return Asset.objects.for_customer(customer_id).filter(target.included())


def targeted(*, customer_id: int, target: Target) -> QuerySet[Asset]:
    """The customer's assets that a target list means, its exclusions taken away."""
    return considered(customer_id=customer_id, target=target).exclude(target.excluded())


def _named(asset_ids: Sequence[int], tag_ids: Sequence[int], *, all_tags: bool) -> Q:
    """Assets by id, or by tags; nobody where neither is given."""
    named = Q(pk__in=list(asset_ids))
    if tag_ids:
        named |= Q(tag_ids__contains=list(tag_ids)) if all_tags else Q(tag_ids__overlap=list(tag_ids))
    return named
