"""How vulnerabilities look on the wire, and what lists of them are asked."""

from collections import defaultdict
from typing import Annotated, Any

from django.db.models import CharField, Count, F, Func, Q, QuerySet
from pydantic import BeforeValidator, Field

from core.instants import milliseconds
from core.paging import LONGEST_QUERY, HavingParameters, ListParameters
from core.shapes import NotSet, Shape, Text, UuidList, WholeNumber, choices
from inventory.models import AssetPatch, Closing, PatchStatus, Platform, Vulnerability
from inventory.remediation import by_useful_patches, is_missing

MAX_QIDS = 10_000
MAX_PRODUCTS = 10_000


def listed(value: object) -> object:
    """Comma text as a list."""
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


Qids = Annotated[list[WholeNumber], BeforeValidator(listed)]


class VulnerabilityParameters(ListParameters):
    """Which vulnerabilities to list."""

    qids: Annotated[
        Qids | None,
        Field(max_length=MAX_QIDS, description="Only these, by the scanner's numbers; unknown ones are left out."),
    ] = None


class InsightParameters(HavingParameters):
    """Which vulnerabilities that can be closed to list."""

    qids: Annotated[Qids | None, Field(max_length=MAX_QIDS, description="Only these, by the scanner's numbers.")] = None
    platform: Annotated[
        list[Platform] | None, choices(Platform), Field(description="Closed by patches for Windows or Linux.")
    ] = None
    asset_ids: Annotated[
        UuidList | None, Field(max_length=1_000, description="Those that one of these assets has.")
    ] = None
    having_query: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=LONGEST_QUERY,
            description="Those of an asset which this query finds, such as `tags.name:web`.",
        ),
    ] = None


def vulnerability_row(one: Vulnerability) -> dict[str, Any]:
    """A row of `POST /v1/vulnerabilities`: exactly these keys."""
    return {
        "id": one.qid,
        "title": one.title or None,
        "cves": one.cves,
        "detectedDate": milliseconds(one.detected_at),
        "severity": one.severity,
        "vulnType": one.vuln_type,
    }


def insight_rows(vulnerabilities: list[Vulnerability]) -> list[dict[str, Any]]:
    """Rows of `POST /v1/remediation/insights`. Two queries for all of them."""
    patches, assets = _closing_patches(vulnerabilities), _asset_counts(vulnerabilities)
    return [
        vulnerability_row(one) | {"patches": patches[one.pk], "assetCount": assets.get(one.pk, 0)}
        for one in vulnerabilities
    ]


def _closing_patches(vulnerabilities: list[Vulnerability]) -> dict[int, list[dict[str, Any]]]:
    """Those that machines miss, the newest first, by the vulnerability."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if not vulnerabilities:
        return found
    missing = Count("patch__asset_links", filter=Q(patch__asset_links__status=PatchStatus.MISSING))
    links = (
        Closing.objects.for_customer(vulnerabilities[0].customer_id)
        .filter(by_useful_patches(), is_missing(), vulnerability__in=vulnerabilities)
        .annotate(missing=missing)
        .order_by("-patch__created_at", "-patch_id")
    )
    columns = ("vulnerability_id", "patch__public_id", "patch__title", "missing")
    for pk, public_id, title, count in links.values_list(*columns):
        found[pk].append({"patchUuid": str(public_id), "title": title, "missingCount": count})
    return found


def _asset_counts(vulnerabilities: list[Vulnerability]) -> dict[int, int]:
    """On how many assets such a patch is missing, by the vulnerability."""
    if not vulnerabilities:
        return {}
    standings = (
        AssetPatch.objects.for_customer(vulnerabilities[0].customer_id)
        .filter(by_useful_patches(), status=PatchStatus.MISSING)
        .filter(patch__closing_links__vulnerability__in=vulnerabilities)
        .order_by()
        .values_list("patch__closing_links__vulnerability_id")
        .annotate(assets=Count("asset_id", distinct=True))
    )
    return dict(standings)


class ProductParameters(Shape):
    """Whose vulnerabilities to count."""

    platform: Annotated[
        list[Platform] | None, choices(Platform), Field(description="Closed by patches for Windows or Linux.")
    ] = None


def product_rows(closings: QuerySet[Closing]) -> list[dict[str, Any]]:
    """Rows of `GET /v1/patchcatalog/patch/products/vulnerability/count`: of the 10,000 products that have the most."""
    product = Func(F("patch__products"), function="unnest", output_field=CharField(), set_returning=True)
    counted = (
        closings.order_by()
        .values(product=product)
        .annotate(
            vulnerabilities=Count("vulnerability_id", distinct=True),
            detected=Count("vulnerability_id", distinct=True, filter=is_missing()),
        )
        .order_by("-vulnerabilities", "product")
    )
    return [
        {"product": row["product"], "vulnerabilityCount": row["vulnerabilities"], "detectedCount": row["detected"]}
        for row in counted[:MAX_PRODUCTS]
    ]
