"""Tags, and the array on the asset that targeting reads: both change in one transaction."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import ProtectedError

from core.errors import Conflict, InvalidInput, Problem
from inventory.models import Asset, AssetTag, Tag

# An asset's own tags, then their parents, up to the roots. UNION (not ALL) ends even if a loop got in.
_REFRESH = """
WITH RECURSIVE carried AS (
    SELECT link.asset_id, tag.id, tag.parent_id
    FROM inventory_assettag link JOIN inventory_tag tag ON tag.id = link.tag_id
    WHERE link.customer_id = %(customer)s AND link.asset_id = ANY(%(assets)s)
    UNION
    SELECT carried.asset_id, tag.id, tag.parent_id
    FROM carried JOIN inventory_tag tag ON tag.id = carried.parent_id
    WHERE tag.customer_id = %(customer)s
), gathered AS (
    SELECT asset_id, array_agg(DISTINCT id ORDER BY id) AS ids FROM carried GROUP BY asset_id
)
UPDATE inventory_asset asset
SET tag_ids = coalesce((SELECT ids FROM gathered WHERE gathered.asset_id = asset.id), '{}')
WHERE asset.customer_id = %(customer)s AND asset.id = ANY(%(assets)s)
"""


def create_tag(*, customer_id: int, name: str, parent: Tag | None = None) -> Tag:
    """Make a tag. Raises Conflict where the name is taken."""
    _lock_tree(customer_id)
    _refuse_taken_name(customer_id=customer_id, name=name)
    return Tag.objects.create(customer_id=customer_id, name=name, parent=parent)


def change_tag(*, tag: Tag, name: str, parent: Tag | None) -> None:
    """Rename or move a tag; the assets below it follow. Raises Conflict or InvalidInput."""
    _lock_tree(tag.customer_id)
    if name != tag.name:
        _refuse_taken_name(customer_id=tag.customer_id, name=name)
    _refuse_loop(tag=tag, parent=parent)
    tag.name, tag.parent = name, parent
    tag.save(update_fields=["name", "parent"])
    carriers = Asset.objects.for_customer(tag.customer_id).filter(tag_ids__contains=[tag.pk])
    _refresh(customer_id=tag.customer_id, asset_ids=list(carriers.values_list("pk", flat=True)))


def delete_tag(*, tag: Tag) -> None:
    """Delete a tag. Raises Conflict while it has child tags, or a job names it."""
    _lock_tree(tag.customer_id)
    if tag.children.exists():
        raise Conflict(f"The tag {tag.name!r} has child tags. Move or delete them first.")
    carriers = list(
        Asset.objects.for_customer(tag.customer_id).filter(tag_ids__contains=[tag.pk]).values_list("pk", flat=True)
    )
    customer_id, name = tag.customer_id, tag.name
    try:
        tag.delete()
    except ProtectedError as used:
        raise Conflict(f"Jobs name the tag {name!r}. Change or delete them first.") from used
    _refresh(customer_id=customer_id, asset_ids=carriers)


def tag_asset(*, asset: Asset, tag: Tag) -> None:
    """Put a tag on an asset; a second time changes nothing."""
    _lock_asset(asset)
    AssetTag.objects.bulk_create([AssetTag(customer_id=asset.customer_id, asset=asset, tag=tag)], ignore_conflicts=True)
    _refresh(customer_id=asset.customer_id, asset_ids=[asset.pk])


def untag_asset(*, asset: Asset, tag: Tag) -> None:
    """Take a tag off an asset; a second time changes nothing."""
    _lock_asset(asset)
    AssetTag.objects.for_customer(asset.customer_id).filter(asset=asset, tag=tag).delete()
    _refresh(customer_id=asset.customer_id, asset_ids=[asset.pk])


def _lock_tree(customer_id: int, *, shared: bool = False) -> None:
    """Until the transaction ends: the customer's tree of tags for this one alone, or for all that only read it."""
    kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}(hashtextextended('tags', %s))", [customer_id])


def _lock_asset(asset: Asset) -> None:
    """Without it, two that tag one asset at once would each write an array without the other's tag."""
    _lock_tree(asset.customer_id, shared=True)
    Asset.objects.select_for_update(of=("self",), no_key=True).filter(pk=asset.pk).first()


def _refresh(*, customer_id: int, asset_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"customer": customer_id, "assets": list(asset_ids)})


def _refuse_taken_name(*, customer_id: int, name: str) -> None:
    if Tag.objects.for_customer(customer_id).filter(name=name).exists():
        raise Conflict(f"There is a tag named {name!r} already.")


def _refuse_loop(*, tag: Tag, parent: Tag | None) -> None:
    """By the tree as it is under the lock, not as these objects were read."""
    parents = dict(Tag.objects.for_customer(tag.customer_id).values_list("pk", "parent_id"))
    above: int | None = None if parent is None else parent.pk
    while above is not None:
        if above == tag.pk:
            message = "must not be the tag itself or one of its own descendants"
            raise InvalidInput(problems=[Problem(field="parentId", code="loop", message=message)])
        above = parents.get(above)
