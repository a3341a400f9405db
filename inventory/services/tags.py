"""Tags, and who puts them on which assets by hand. What a tag's own query puts on: membership.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import EllipsisType

from django.db.models import ProtectedError, Q, QuerySet

from core.errors import Conflict, InvalidInput, NotFound, Problem
from inventory.models import Asset, AssetTag, Tag
from inventory.services.carrying import lock_assets, lock_tree, refresh, run
from inventory.services.membership import condition, require_room, tell_members

_PUT = """
INSERT INTO inventory_assettag AS link (customer_id, asset_id, tag_id, by_hand, by_query)
SELECT %s, unnest(%s::bigint[]), %s, true, false
ON CONFLICT (customer_id, asset_id, tag_id) DO UPDATE SET by_hand = true WHERE NOT link.by_hand
RETURNING asset_id, xmax = 0
"""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What became of many assets: how many were meant, on how many the tag changed, and how many keep it all the same
    because its own query finds them."""

    assets: int
    changed: int
    kept: int = 0


def create_tag(*, customer_id: int, name: str, at: datetime, parent: Tag | None = None, query: str = "") -> Tag:
    """Make a tag. Raises Conflict where the name is taken, InvalidInput for a query that cannot be meant."""
    if query:
        condition(query, at=at)
    lock_tree(customer_id)
    _refuse_taken_name(customer_id=customer_id, name=name)
    _require_parent(parent)
    if query:
        require_room(customer_id=customer_id)
    tag: Tag = Tag.objects.create(
        customer_id=customer_id, name=name, parent=parent, query=query, members_told_at=at if query else None
    )
    if query:
        tell_members(tag=tag, at=at)
    return tag


def change_tag(
    *,
    tag: Tag,
    at: datetime,
    name: str | None = None,
    parent: Tag | EllipsisType | None = ...,
    query: str | None = None,
) -> None:
    """Rename or move a tag, or let another query find its members; the assets below it follow.

    What is not given stays: a parent of None is none, and so is an empty query. Raises Conflict or InvalidInput.
    """
    if query:
        condition(query, at=at)
    lock_tree(tag.customer_id)
    before = _current(tag)
    if name is not None and name != before.name:
        _refuse_taken_name(customer_id=tag.customer_id, name=name)
    tag.name = before.name if name is None else name
    tag.parent = before.parent if isinstance(parent, EllipsisType) else parent
    _store_place(tag, before)
    if query is not None and query != before.query:
        if not before.query:
            require_room(customer_id=tag.customer_id)
        tag.query, tag.members_told_at = query, at if query else None
        tag.save(update_fields=["query", "members_told_at"])
        tell_members(tag=tag, at=at)


def _store_place(tag: Tag, before: Tag) -> None:
    """Store name and parent; where the tag moved, the assets below follow."""
    if tag.parent_id != before.parent_id:
        _require_parent(tag.parent)
        _refuse_loop(tag=tag, parent=tag.parent)
    tag.save(update_fields=["name", "parent"])
    if tag.parent_id != before.parent_id:
        refresh(customer_id=tag.customer_id, asset_ids=_carriers(tag))


def delete_tag(*, tag: Tag) -> None:
    """Delete a tag. Raises Conflict while it has child tags, or a job names it."""
    lock_tree(tag.customer_id)
    if tag.children.exists():
        raise Conflict(f"The tag {tag.name!r} has child tags. Move or delete them first.")
    carriers = _carriers(tag)
    customer_id, name = tag.customer_id, tag.name
    try:
        tag.delete()
    except ProtectedError as used:
        raise Conflict(f"Jobs name the tag {name!r}. Change or delete them first.") from used
    refresh(customer_id=customer_id, asset_ids=carriers)


def tag_asset(*, asset: Asset, tag: Tag) -> None:
    """Put a tag on an asset; a second time changes nothing."""
    put(tag=tag, assets=Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk))


def untag_asset(*, asset: Asset, tag: Tag) -> None:
    """Take a tag off an asset; a second time changes nothing. Raises Conflict where the tag's own query finds it."""
    taken = take(tag=tag, assets=Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk))
    if taken.kept:
        raise _found_by_query([tag])


def put(*, tag: Tag, assets: QuerySet[Asset]) -> Tagged:
    """Put a tag on all of these by hand; the number of statements does not depend on how many they are."""
    asset_ids = _locked(tag, assets)
    rows = run(_PUT, [tag.customer_id, asset_ids, tag.pk])
    new = [asset_id for asset_id, inserted in rows if inserted]
    refresh(customer_id=tag.customer_id, asset_ids=new)
    return Tagged(assets=len(asset_ids), changed=len(new))


def take(*, tag: Tag, assets: QuerySet[Asset]) -> Tagged:
    """Take a tag off all of these, as far as a person put it there; what its own query finds keeps it."""
    asset_ids = _locked(tag, assets)
    links = AssetTag.objects.for_customer(tag.customer_id).filter(tag=tag, asset_id__in=asset_ids)
    kept = links.filter(by_query=True)
    kept.filter(by_hand=True).update(by_hand=False)
    gone = list(links.filter(by_query=False).values_list("asset_id", flat=True))
    links.filter(by_query=False).delete()
    refresh(customer_id=tag.customer_id, asset_ids=gone)
    return Tagged(assets=len(asset_ids), changed=len(gone), kept=kept.count())


def set_tags(*, asset: Asset, tags: Sequence[Tag]) -> None:
    """Let an asset carry these tags and no others. Raises Conflict where the query of another one finds it."""
    lock_tree(asset.customer_id, shared=True)
    rows = Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk)
    if not lock_assets(rows):
        raise NotFound
    links = AssetTag.objects.for_customer(asset.customer_id).filter(asset=asset)
    others = links.exclude(tag__in=tags)
    held = [link.tag for link in others.filter(by_query=True).select_related("tag").order_by("tag__name")]
    if held:
        raise _found_by_query(held)
    others.delete()
    carried = set(links.values_list("tag_id", flat=True))
    # Those that are there already stay as they are: what a query put on is not a person's for being sent back.
    new = [tag.pk for tag in tags if tag.pk not in carried]
    there = Tag.objects.for_customer(asset.customer_id).filter(pk__in=new)
    AssetTag.objects.bulk_create(
        AssetTag(customer_id=asset.customer_id, asset=asset, tag=tag) for tag in there.order_by("pk")
    )
    refresh(customer_id=asset.customer_id, asset_ids=[asset.pk])


def _locked(tag: Tag, assets: QuerySet[Asset]) -> list[int]:
    """The ids of the assets, locked with the tree shared. Raises NotFound where the tag is gone meanwhile."""
    lock_tree(tag.customer_id, shared=True)
    _current(tag)
    return lock_assets(assets)


def _current(tag: Tag) -> Tag:
    """The tag as it is under the lock. Raises NotFound where it is gone."""
    current: Tag | None = Tag.objects.for_customer(tag.customer_id).filter(pk=tag.pk).first()
    if current is None:
        raise NotFound
    return current


def _carriers(tag: Tag) -> list[int]:
    """The assets that carry the tag, also by a tag below it."""
    carriers = Asset.objects.for_customer(tag.customer_id).filter(Q(tag_ids__contains=[tag.pk]))
    return list(carriers.values_list("pk", flat=True))


def _refuse_taken_name(*, customer_id: int, name: str) -> None:
    if Tag.objects.for_customer(customer_id).filter(name=name).exists():
        raise Conflict(f"There is a tag named {name!r} already.")


def _require_parent(parent: Tag | None) -> None:
    """By the tree as it is under the lock."""
    if parent is None or Tag.objects.for_customer(parent.customer_id).filter(pk=parent.pk).exists():
        return
    raise InvalidInput(problems=[Problem("parentId", "unknown_id", f"no such id: {parent.public_id}")])


def _refuse_loop(*, tag: Tag, parent: Tag | None) -> None:
    """By the tree as it is under the lock, not as these objects were read."""
    parents = dict(Tag.objects.for_customer(tag.customer_id).values_list("pk", "parent_id"))
    above: int | None = None if parent is None else parent.pk
    while above is not None:
        if above == tag.pk:
            message = "must not be the tag itself or one of its own descendants"
            raise InvalidInput(problems=[Problem(field="parentId", code="loop", message=message)])
        above = parents.get(above)


def _found_by_query(tags: Sequence[Tag]) -> Conflict:
    names = ", ".join(repr(tag.name) for tag in tags)
    return Conflict(f"The tag's own query finds this asset, and would put it on again: {names}. Change that query.")
