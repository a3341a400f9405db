"""What the views of assets, tags and patches answer, for the API's document. Tests hold real answers against it."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from inventory.models import Platform, Severity


class NamedTag(Answer):
    """A tag on an asset."""

    id: UUID
    name: str


class AssetHardware(Answer):
    """Who made the machine."""

    model: str | None
    manufacturer: str | None


class AssetInterface(Answer):
    """A network interface."""

    interface_name: str | None
    mac_address: str | None
    address: str | None
    gateway_address: str | None
    ipv6_address: str | None = Field(alias="ipv6Address")


class Asset(Answer):
    """A machine, as its agent told of it. Times are milliseconds since 1970; patches are ids."""

    id: UUID
    name: str
    platform: Platform
    operating_system: str
    os_identifier: str
    version: str
    architecture: str
    timezone: str | None
    last_logged_on_user: str | None
    asset_status: str
    scan_status: str
    status_code: int | None
    status_date_time: int | None
    scan_date_time: int | None
    reboot_required: bool
    hardware: AssetHardware
    tags: list[NamedTag]
    interfaces: list[AssetInterface]
    installed_patches: list[UUID]
    missing_patches: list[UUID]


class Tag(Answer):
    """A label on assets."""

    id: UUID
    name: str
    parent_id: UUID | None


class PatchPackage(Answer):
    """A package that a patch updates."""

    package_name: str
    architecture: str


class Patch(Answer):
    """One update. Times are milliseconds since 1970."""

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
    qid: list[str]
    reboot_required: bool | None
    superseded_by: list[UUID]
    supersedes: list[UUID]
    vendor: str | None
    vendor_severity: Severity
    vendorlink: str | None
    missing_count: int
    installed_count: int
    download_method: str
    advisory: str | None
    enabled: bool
    package_details: list[PatchPackage]
    is_security: bool
    is_superseded: bool
    is_rollback: bool
    is_customized_download_url: bool


class Assets(RootModel[list[Asset]]):
    """A page of assets."""


class Tags(RootModel[list[Tag]]):
    """A page of tags."""


class Patches(RootModel[list[Patch]]):
    """A page of patches."""


class Count(Answer):
    """How many."""

    count: int


class PatchCount(Answer):
    """How many patches."""

    patches: Count


class Deleted(Answer):
    """What is gone."""

    deleted: UUID
