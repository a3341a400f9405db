"""What the views of vulnerabilities answer."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from inventory.models import VulnerabilityType


class Vulnerability(Answer):
    """A hole that patches close. Times are milliseconds since 1970."""

    id: int | None = Field(description="The scanner's number of it, its qid; null where only its CVEs are known.")
    title: str | None
    cves: list[str]
    detected_date: int | None = Field(description="When a machine was first known to lack what closes it.")
    severity: int | None = Field(description="From 1, hardly any, to 5, urgent.")
    vuln_type: VulnerabilityType


class Vulnerabilities(RootModel[list[Vulnerability]]):
    """A page of vulnerabilities."""


class ClosingPatch(Answer):
    """A patch that closes a vulnerability on the machines that miss it."""

    patch_uuid: UUID
    title: str
    missing_count: int


class Insight(Vulnerability):
    """A vulnerability of the customer's machines, and the patches that close it there."""

    patches: list[ClosingPatch] = Field(description="Those that may be deployed and are not superseded.")
    asset_count: int = Field(description="How many machines have it: they miss one of these patches.")


class Insights(RootModel[list[Insight]]):
    """A page of vulnerabilities that can be closed."""


class ProductVulnerabilities(Answer):
    """How many vulnerabilities a product has."""

    product: str
    vulnerability_count: int = Field(description="Those that patches in the catalogue close.")
    detected_count: int = Field(description="Those of them that some machine has.")


class ProductsVulnerabilities(RootModel[list[ProductVulnerabilities]]):
    """Products by how many vulnerabilities they have, the most first."""
