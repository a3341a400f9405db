"""What the views of assets answer."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from inventory.api.answers.counts import Counted
from inventory.models import Platform


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


class AssetInterfaceInFull(AssetInterface):
    """A network interface, with its address in IPv6."""

    ipv6_address: str | None = Field(alias="ipv6Address")


class Asset(Answer):
    """A machine, as its agent told of it. Times are milliseconds since 1970; patches are ids."""

    name: str = Field(description="A person's word, or, where nobody said one, what the agent reports.")
    id: UUID
    operating_system: str
    last_logged_on_user: str | None
    asset_status: str = Field(description="Active, or Inactive where its agent has not been heard of for 30 days.")
    scan_status: str = Field(description="Scanned, or Pending until its first scan.")
    status_code: int | None
    status_date_time: int | None = Field(description="When its agent was last heard of.")
    scan_date_time: int | None
    hardware: AssetHardware
    tags: list[NamedTag] = Field(description="Those on the asset itself, by name; the tags above them count for jobs.")
    interfaces: list[AssetInterfaceInFull]
    installed_patches: list[UUID]
    missing_patches: list[UUID]
    asset_id: int = Field(description="A short number, counted within the customer; `/v1/assets/uuids` reads it.")
    platform: Platform
    os_identifier: str
    version: str
    architecture: str
    timezone: str | None = Field(description="By which an AGENT_TZ job starts: a person's word or the agent's.")
    reboot_required: bool
    reported_name: str = Field(description="What the agent reports, whatever people call it.")
    reported_timezone: str | None


class Assets(RootModel[list[Asset]]):
    """A page of assets."""


class FoundAsset(Answer):
    """A machine in short: exactly these keys, tags and patches as ids and counts."""

    id: UUID
    name: str
    operating_system: str
    version: str
    platform: Platform
    os_identifier: str
    tags: list[UUID]
    interfaces: list[AssetInterface]
    scan_status: str
    status: str
    status_code: int | None
    installed_patch_count: int
    missing_patch_count: int
    non_superseded_missing_patch_count: int
    activated_modules: list[str] = Field(description="PM where an agent looks after it.")
    last_logged_on_user: str | None
    scan_date_time: int | None
    status_date_time: int | None
    hardware: AssetHardware
    architecture: str
    os_not_supported_for_modules: list[str] = Field(
        description="PM where the agent found no package manager that it can drive."
    )


class FoundAssets(RootModel[list[FoundAsset]]):
    """A page of assets in short."""


class AssetCount(Answer):
    """How many assets."""

    assets: Counted


class MappedAsset(Answer):
    """Both ids of one asset."""

    asset_id: int
    asset_uuid: UUID


class MappedAssets(Answer):
    """In the order in which they were asked for."""

    mapped_assets: list[MappedAsset]
