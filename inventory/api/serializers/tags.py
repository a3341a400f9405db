"""How tags look on the wire, and what is sent of them."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from pydantic import Field

from core.errors import EXCLUDES, MISSING
from core.paging import ListParameters
from core.shapes import Flag, NotSet, ReadOnly, Report, Shape, Text, UuidList, Values
from inventory.models import AssetTag, Tag

MAX_IDS = 10_000
_QUERY = (
    "Finds assets that carry the tag, beside those that people put it on: `platform:Linux and missingPatchCount > 0`. "
    "It is looked after whenever an asset is scanned, and by the minute. It cannot ask for tags. Null for none."
)

# On how many assets a tag is itself.
ASSET_COUNT = Coalesce(
    Subquery(
        AssetTag.objects.filter(customer_id=OuterRef("customer_id"), tag_id=OuterRef("pk"))
        .order_by()
        .values("tag_id")
        .annotate(count_=Count("pk"))
        .values("count_")
    ),
    0,
    output_field=IntegerField(),
)


class TagParameters(ListParameters):
    """Which tags to list."""

    name: Annotated[Text | None, NotSet, Field(description="Tags whose name contains this, in any case.")] = None
    parent_id: Annotated[UUID | None, NotSet, Field(description="Tags that are directly below this one.")] = None
    has_query: Annotated[Flag | None, NotSet, Field(description="Tags that have a query of their own, or none.")] = None


class TagBody(Shape):
    """A tag."""

    name: Annotated[Text, Field(min_length=1, max_length=200, description="Unique within the customer.")]
    parent_id: Annotated[UUID | None, NotSet, Field(description="The tag above it.")] = None
    query: Annotated[Text | None, NotSet, Field(max_length=4096, description=_QUERY)] = None
    id: Annotated[str | None, ReadOnly] = None
    asset_count: Annotated[int | None, ReadOnly] = None


class TagChange(Shape):
    """What is to change of a tag."""

    name: Annotated[Text | None, NotSet, Field(min_length=1, max_length=200)] = None
    parent_id: Annotated[UUID | None, NotSet, Field(description="Null for a tag below no other.")] = None
    query: Annotated[Text | None, NotSet, Field(max_length=4096, description=_QUERY)] = None
    id: Annotated[str | None, ReadOnly] = None
    asset_count: Annotated[int | None, ReadOnly] = None


def _one_of_two(values: Values, report: Report) -> None:
    if not values.sound("asset_ids", "query"):
        return
    ids, query = values.get("asset_ids") is not None, values.get("query") is not None
    if ids and query:
        report.add("query", "excludes", "excludes assetIds; send one of the two", EXCLUDES)
    if not ids and not query:
        report.add("asset_ids", "required", "is required, or else query", MISSING)


class AssetsOfTag(Shape):
    """Assets by their ids, or those that a query finds."""

    shape_rules: ClassVar = (_one_of_two,)

    asset_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Ids of assets.")] = None
    query: Annotated[
        Text | None,
        NotSet,
        Field(max_length=4096, description="All assets that it finds at this moment; it may ask for tags, too."),
    ] = None


def with_counts_of_assets(tags: QuerySet[Tag]) -> QuerySet[Tag]:
    """The tags with what `tag_row` reads, in one query."""
    return tags.select_related("parent").annotate(asset_count_=ASSET_COUNT)


def tag_row(tag: Tag) -> dict[str, Any]:
    """A row of `GET /v1/tags`."""
    row: Any = tag
    return {
        "id": str(tag.public_id),
        "name": tag.name,
        "parentId": str(tag.parent.public_id) if tag.parent else None,
        "query": tag.query or None,
        "assetCount": row.asset_count_,
    }
