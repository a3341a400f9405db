"""Tags that have a query: the assets that it finds carry the tag, and go on doing so only while it finds them.

A link says who made it, a person or the query or both, so that the query never takes off what a person put on. Links
are told anew when the tag is saved (all assets), when an asset is described or scanned (all tags of that asset), and
from time to time, since a query may speak of the time or of the catalogue.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, Q, QuerySet, Value, When

from core.errors import Conflict, InvalidInput, Problem
from core.query import compile_query, parse_query
from core.query.tree import And, Clause, Node, Not, Or
from inventory.models import Asset, AssetTag, Tag
from inventory.services.carrying import lock_tree, refresh, run
from inventory.tokens import ASSET_TOKENS

log = logging.getLogger(__name__)

# Each is one condition more to judge whenever an asset is scanned.
MOST_QUERY_TAGS = 200
_CONDITIONS_AT_ONCE = 50

_JOIN = """
INSERT INTO inventory_assettag AS link (customer_id, asset_id, tag_id, by_hand, by_query)
SELECT %s, found.asset_id, found.tag_id, false, true FROM ({found}) AS found (asset_id, tag_id)
ON CONFLICT (customer_id, asset_id, tag_id) DO UPDATE SET by_query = true WHERE NOT link.by_query
RETURNING asset_id
"""


def members(*, customer_id: int, query: str, at: datetime) -> QuerySet[Asset]:
    """The assets that a tag's query finds; none for no query. Raises InvalidInput at `query`."""
    assets: QuerySet[Asset] = Asset.objects.for_customer(customer_id)
    return assets.filter(condition(query, at=at)) if query else assets.none()


def condition(query: str, *, at: datetime) -> Q:
    """A tag's query as a condition on assets. Raises InvalidInput at `query` with every problem.

    It cannot ask for tags: what it finds would change what it asks about, and two tags could chase each other for ever.
    """
    meant = compile_query(query, ASSET_TOKENS, now=at)
    of_tags = [clause for clause in _clauses(parse_query(query)) if clause.token.startswith("tags.")]
    if of_tags:
        raise InvalidInput(problems=[_loop(clause) for clause in of_tags])
    return meant


def require_room(*, customer_id: int) -> None:
    """Raises Conflict where the customer has as many tags with a query as there may be."""
    if _with_query(customer_id).count() >= MOST_QUERY_TAGS:
        raise Conflict(f"There are {MOST_QUERY_TAGS} tags with a query already, and there can be no more.")


def tell_members(*, tag: Tag, at: datetime) -> None:
    """Link the tag to the assets that its query finds now, and to no others by query. The tree is locked alone."""
    found = members(customer_id=tag.customer_id, query=tag.query, at=at)
    links = AssetTag.objects.for_customer(tag.customer_id)
    gone = list(_gone(tag, found).values_list("pk", "asset_id", "by_hand"))
    links.filter(pk__in=[pk for pk, _, by_hand in gone if by_hand]).update(by_query=False)
    links.filter(pk__in=[pk for pk, _, by_hand in gone if not by_hand]).delete()
    joined = _join(tag.customer_id, found.values_list("pk", Value(tag.pk)))
    left = [asset_id for _, asset_id, by_hand in gone if not by_hand]
    refresh(customer_id=tag.customer_id, asset_ids=[*joined, *left])


def tell_tags(*, asset: Asset, at: datetime) -> None:
    """Link the asset to the tags whose queries find it now, and to no others by query.

    The tree and the asset are locked. The number of statements grows with the number of tags only by the fifty.
    """
    conditions = _conditions(asset.customer_id, at=at)
    if not conditions:
        return
    links = AssetTag.objects.for_customer(asset.customer_id).filter(asset=asset)
    before = {link.tag_id: link for link in links}
    by_query = {tag_id for tag_id, link in before.items() if link.by_query} & conditions.keys()
    now = _finding(asset, conditions)
    gone = by_query - now
    links.filter(tag_id__in=gone, by_hand=True).update(by_query=False)
    links.filter(tag_id__in=gone, by_hand=False).delete()
    links.filter(tag_id__in=now & before.keys()).update(by_query=True)
    AssetTag.objects.bulk_create(
        AssetTag(customer_id=asset.customer_id, asset=asset, tag_id=tag_id, by_hand=False, by_query=True)
        for tag_id in sorted(now - before.keys())
    )
    if now != by_query:
        refresh(customer_id=asset.customer_id, asset_ids=[asset.pk])


def recheck(*, tag: Tag, at: datetime) -> None:
    """Tell the members of a tag anew where they have changed. Only then is anybody else's tagging held up."""
    try:
        if not _differs(tag, at=at):
            return
        lock_tree(tag.customer_id)
        current = _with_query(tag.customer_id).filter(pk=tag.pk).first()
        if current is not None:
            tell_members(tag=current, at=at)
    except InvalidInput:
        _warn(tag)


def _differs(tag: Tag, *, at: datetime) -> bool:
    found = members(customer_id=tag.customer_id, query=tag.query, at=at)
    linked = AssetTag.objects.for_customer(tag.customer_id).filter(tag=tag, by_query=True)
    return _gone(tag, found).exists() or found.exclude(pk__in=linked.values("asset_id")).exists()


def _gone(tag: Tag, found: QuerySet[Asset]) -> QuerySet[AssetTag]:
    """The links by query whose assets it does not find any more."""
    links: QuerySet[AssetTag] = AssetTag.objects.for_customer(tag.customer_id).filter(tag=tag, by_query=True)
    return links.exclude(asset_id__in=found.values("pk"))


def _join(customer_id: int, found: QuerySet[Asset]) -> list[int]:
    """Link what `found` selects, pairs of an asset and a tag; the assets whose links are new or newly by query."""
    try:
        sql, parameters = found.query.sql_with_params()
    except EmptyResultSet:
        return []
    # The statement is Django's own, its parameters stay bound.
    return [asset_id for (asset_id,) in run(_JOIN.format(found=sql), [customer_id, *parameters])]


def _finding(asset: Asset, conditions: Mapping[int, Q]) -> set[int]:
    """Those of the tags whose conditions hold for the asset."""
    found: set[int] = set()
    tag_ids = sorted(conditions)
    for start in range(0, len(tag_ids), _CONDITIONS_AT_ONCE):
        some = tag_ids[start : start + _CONDITIONS_AT_ONCE]
        answers = {f"tag_{tag_id}": Case(When(conditions[tag_id], then=True), default=False) for tag_id in some}
        row: Mapping[str, Any] = Asset.objects.for_customer(asset.customer_id).values(**answers).get(pk=asset.pk)
        found |= {tag_id for tag_id in some if row[f"tag_{tag_id}"]}
    return found


def _conditions(customer_id: int, *, at: datetime) -> dict[int, Q]:
    """What each tag with a query finds, by the tag's id."""
    found: dict[int, Q] = {}
    for tag in _with_query(customer_id):
        try:
            found[tag.pk] = condition(tag.query, at=at)
        except InvalidInput:
            _warn(tag)
    return found


def _warn(tag: Tag) -> None:
    """Of a query that an earlier version of this service understood. Its members stay as they are."""
    log.warning("the query of tag %s cannot be read any more", tag.pk)


def _with_query(customer_id: int) -> QuerySet[Tag]:
    tags: QuerySet[Tag] = Tag.objects.for_customer(customer_id)
    return tags.exclude(query="")


def _clauses(node: Node) -> Iterator[Clause]:
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _clauses(part)
        case Not(inner):
            yield from _clauses(inner)
        case _:
            yield node


def _loop(clause: Clause) -> Problem:
    message = (
        f"column {clause.column}: a tag's own query cannot ask for tags ({clause.token}): it would ask for what it "
        "changes; give the tag a parent, or ask for what the assets of the other tag have in common"
    )
    return Problem("query", "loop", message)
