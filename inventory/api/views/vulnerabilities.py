"""Vulnerabilities, and which of them patches here can close."""

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.openapi import describe, describe_list, query
from core.paging import list_parameters
from core.parameters import parameters
from core.query import compile_query
from inventory.api import answers, serializers
from inventory.api.patch_listings import INSIGHTS, VULNERABILITIES
from inventory.api.serializers import InsightParameters, ProductParameters, VulnerabilityParameters
from inventory.api.views.base import InventoryView, on_one_page, require_all
from inventory.models import Closing
from inventory.remediation import closable
from inventory.tokens import ASSET_TOKENS


@extend_schema(tags=["vulnerabilities"])
class VulnerabilitiesView(InventoryView):
    """What scanners and advisories told of."""

    reads_by_post = True

    @describe_list(
        "findVulnerabilities",
        rows=answers.Vulnerabilities,
        parameters=VulnerabilityParameters,
        request=VulnerabilityParameters,
        examples={"Two": {"qids": [92099, 92100]}, "The urgent ones": {"query": "severity >= 4"}},
    )
    def post(self, request: Request) -> Response:
        """List vulnerabilities. Those that are asked for by `qids` come on one page, where no `pageSize` says
        otherwise."""
        wanted = list_parameters(request, VulnerabilityParameters)
        rows = self.vulnerabilities()
        if wanted.qids is not None:
            rows = rows.filter(qid__in=wanted.qids)
            wanted = on_one_page(wanted, len(wanted.qids))
        return VULNERABILITIES.page(request, rows, wanted, at=timezone.now(), render=serializers.vulnerability_row)


@extend_schema(tags=["vulnerabilities"])
class InsightsView(InventoryView):
    """Vulnerabilities that patches here can close."""

    reads_by_post = True

    @describe_list(
        "findClosableVulnerabilities",
        rows=answers.Insights,
        parameters=InsightParameters,
        request=InsightParameters,
        examples={"On web servers": {"query": "severity >= 4", "havingQuery": "tags.name:web"}},
    )
    def post(self, request: Request) -> Response:
        """List the vulnerabilities of your machines that patches here can close, the most urgent first, with these
        patches."""
        wanted, at = list_parameters(request, InsightParameters), timezone.now()
        assets = Q()
        if wanted.asset_ids is not None:
            named = require_all(self.assets(), wanted.asset_ids, field="assetIds")
            assets &= Q(pk__in=[asset.pk for asset in named])
        if wanted.having_query:
            assets &= compile_query(wanted.having_query, ASSET_TOKENS, now=at, field="havingQuery")
        rows = self.vulnerabilities().filter(closable(assets, wanted.platform))
        if wanted.qids is not None:
            rows = rows.filter(qid__in=wanted.qids)
        return INSIGHTS.page(request, rows, wanted, at=at, render_all=serializers.insight_rows)


@extend_schema(tags=["vulnerabilities"])
class ProductsVulnerabilitiesView(InventoryView):
    """How many vulnerabilities products have."""

    @describe(
        "countVulnerabilitiesOfProducts",
        answer=answers.ProductsVulnerabilities,
        says="Products that have any, at most 10,000.",
        parameters=query(ProductParameters),
    )
    def get(self, request: Request) -> Response:
        """Count the vulnerabilities of each product."""
        wanted = parameters(request, ProductParameters)
        closings = Closing.objects.for_customer(self.customer_id).filter(patch__deleted=False)
        if wanted.platform:
            closings = closings.filter(patch__platform__in=wanted.platform)
        return Response(serializers.product_rows(closings))
