"""Which tags assets carry: the array that targeting reads, and the locks under which it changes.

In this order: the customer's tree of tags, then assets by ascending id. Whoever changes links of one asset holds the
tree shared; whoever changes the tree, or a tag's members as a whole, holds it alone.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from inventory.models import Asset

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


def lock_tree(customer_id: int, *, shared: bool = False) -> None:
    """Until the transaction ends: the customer's tree of tags for this one alone, or for all that only read it."""
    kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}(hashtextextended('tags', %s))", [customer_id])


def lock_assets(assets: QuerySet[Asset]) -> list[int]:
    """Lock these, and return their ids. Without it, two that tag one asset at once would each write an array without
    the other's tag."""
    locked = assets.order_by("pk").select_for_update(of=("self",), no_key=True)
    return list(locked.values_list("pk", flat=True))


def refresh(*, customer_id: int, asset_ids: Sequence[int]) -> None:
    """Write the arrays of these assets anew from their links."""
    if asset_ids:
        run(_REFRESH, {"customer": customer_id, "assets": list(asset_ids)})


def run(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    """A statement's rows; none where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []
