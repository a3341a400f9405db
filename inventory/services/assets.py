"""Assets come from enrolments, are described by their agents, and go when somebody deletes them."""

from datetime import datetime

from inventory.descriptions import Machine
from inventory.models import Asset

_DESCRIBED = (
    "name",
    "platform",
    "operating_system",
    "os_identifier",
    "os_version",
    "architecture",
    "timezone",
    "package_manager",
    "interfaces",
    "hardware",
    "last_logged_on_user",
    "last_contact_at",
)


def register_asset(*, customer_id: int, machine: Machine, at: datetime) -> Asset:
    """The asset that this machine is: the one with its `osIdentifier`, or a new one."""
    known = None
    if machine.os_identifier:
        known = Asset.objects.for_customer(customer_id).filter(os_identifier=machine.os_identifier).first()
    asset = known or Asset(customer_id=customer_id, created_at=at)
    describe_asset(asset=asset, machine=machine, at=at)
    return asset


def describe_asset(*, asset: Asset, machine: Machine, at: datetime) -> None:
    """Store what the agent tells of its machine."""
    asset.name = machine.name
    asset.platform = machine.platform
    asset.operating_system = machine.operating_system or ""
    asset.os_identifier = machine.os_identifier or ""
    asset.os_version = machine.version or ""
    asset.architecture = machine.architecture or ""
    asset.timezone = machine.timezone or ""
    asset.package_manager = machine.package_manager or ""
    asset.interfaces = [one.model_dump(by_alias=True) for one in machine.interfaces or ()]
    asset.hardware = machine.hardware.model_dump(by_alias=True) if machine.hardware else {}
    asset.last_logged_on_user = machine.last_logged_on_user or ""
    asset.last_contact_at = at
    # Never the whole row: its tags may have been changed since this copy was read.
    asset.save(update_fields=None if asset.pk is None else _DESCRIBED)


def delete_asset(*, asset: Asset) -> None:
    """Forget an asset with its agents, its scans and its place in jobs and runs."""
    asset.delete()
