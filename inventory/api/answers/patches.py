"""What the views of patches and of the catalogue answer."""

from typing import Literal
from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from inventory.api.answers.counts import Counted
from inventory.models import DownloadMethod, Installer, Platform, Severity


class PatchPackage(Answer):
    """A package that a patch updates."""

    package_name: str
    architecture: str


class CommonPatch(Answer):
    """What both rows of a patch have. Times are milliseconds since 1970."""

    id: UUID
    title: str
    type: str
    platform: Platform
    architecture: list[str]
    bulletin: str | None
    category: str | None
    cve: list[str]
    kb: str | None
    modified_date: int | None
    app_family: list[str]
    product: list[str]
    published_date: int | None
    qid: list[str] = Field(description="The scanner's numbers of the vulnerabilities that it closes.")
    reboot_required: bool | None
    superseded_by: list[UUID]
    supersedes: list[UUID]
    vendor: str | None
    vendor_severity: Severity
    vendorlink: str | None
    download_method: DownloadMethod
    advisory: str | None
    enabled: bool
    package_details: list[PatchPackage]
    is_security: bool
    is_superseded: bool
    is_rollback: bool = Field(description="Whether it can be taken back.")
    is_customized_download_url: bool


class Patch(CommonPatch):
    """One update, and on how many machines it is missing or installed. Times are milliseconds since 1970."""

    missing_count: int
    installed_count: int


class Patches(RootModel[list[Patch]]):
    """A page of patches."""


class PatchCount(Answer):
    """How many patches."""

    patches: Counted


class CataloguePatch(CommonPatch):
    """One update as the catalogue has it, without regard to machines. Times are milliseconds since 1970."""

    patch_id: UUID
    description: str | None
    supported_os: list[str]
    vendor_patch_id: str | None = Field(description="What its vendor calls it; imports find it by this again.")
    package_manager: str
    package: str
    version: str
    created_date: int
    sync_date_time: int | None = Field(description="When an import last told of it.")
    deleted: bool = Field(description="Withdrawn by its vendor.")
    download_url: str | None = Field(
        alias="downloadURL", description="The file that agents fetch and run, where no package manager does."
    )
    file_checksum: str | None = Field(description="Its SHA-256.")
    installer: Installer | None = Field(description="What kind of file it is.")
    installer_arguments: str | None


class CataloguePatches(RootModel[list[CataloguePatch]]):
    """A page of the catalogue."""


class PackageOfPatch(Answer):
    """A package that a patch updates, and to which version."""

    patch_uuid: UUID
    package_name: str
    architecture: str
    version: str | None


class PackagesOfPatches(RootModel[list[PackageOfPatch]]):
    """The packages of the patches that were asked for."""


class ProductsOfPatch(Answer):
    """What a patch is for."""

    product: list[str]


class ProductsOfPatches(RootModel[list[ProductsOfPatch]]):
    """One for the patch."""


class ImportProblem(Answer):
    """What is wrong with one patch of an import."""

    field: str
    code: str
    message: str


class ImportedPatch(Answer):
    """What became of one patch of an import."""

    index: int = Field(description="Its place in the list that was sent, from 0.")
    vendor_patch_id: str | None
    patch_id: UUID | None
    status: Literal["created", "updated", "unchanged", "failed"]
    errors: list[ImportProblem]
    unknown_patches: list[str] = Field(
        description="What it supersedes, or is superseded by, and nobody knows; the patch is stored without."
    )


class ImportedPatches(RootModel[list[ImportedPatch]]):
    """One for each patch that was sent, in order."""
