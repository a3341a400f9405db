"""Assets come from enrolments, are described by their agents, named by people, and go when somebody deletes them."""

from datetime import datetime
from typing import Any

from django.db.models import Case, F, Value, When

from core.errors import NotFound
from inventory.descriptions import Machine
from inventory.models import Asset, Counted
from inventory.services.carrying import lock_assets, lock_tree
from inventory.services.membership import tell_tags
from inventory.services.numbers import next_number


def register_asset(*, customer_id: int, machine: Machine, at: datetime) -> Asset:
    """The asset that this machine is: the one with its `osIdentifier`, or a new one."""
    lock_tree(customer_id, shared=True)
    known = None
    if machine.os_identifier:
        known = Asset.objects.for_customer(customer_id).filter(os_identifier=machine.os_identifier).first()
    asset = known or _new(customer_id, machine, at=at)
    describe_asset(asset=asset, machine=machine, at=at)
    tell_tags(asset=asset, at=at)
    return asset


def describe_asset(*, asset: Asset, machine: Machine, at: datetime) -> None:
    """Store what the agent tells of its machine. A name and a time zone that a person gave stay. Raises NotFound."""
    described = _described(machine) | {"last_contact_at": at}
    row = Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk)
    # Never the whole row, and judged by the row: a person may have changed it since this copy was read.
    found = row.update(
        **described,
        name=_unless_given("name", described["reported_name"]),
        timezone=_unless_given("timezone", described["reported_timezone"]),
    )
    if not found:
        raise NotFound
    asset.refresh_from_db(fields=[*described, "name", "name_is_given", "timezone", "timezone_is_given"])


def name_asset(*, asset: Asset, name: str | None, at: datetime) -> None:
    """Call an asset so, whatever its agent reports; None for what the agent reports."""
    current = _locked(asset)
    current.name, current.name_is_given = name or current.reported_name, bool(name)
    current.save(update_fields=["name", "name_is_given"])
    tell_tags(asset=current, at=at)


def place_asset(*, asset: Asset, timezone: str | None, at: datetime) -> None:
    """Reckon an asset's local times in this zone, whatever its agent reports; None for what the agent reports."""
    current = _locked(asset)
    current.timezone, current.timezone_is_given = timezone or current.reported_timezone, bool(timezone)
    current.save(update_fields=["timezone", "timezone_is_given"])
    tell_tags(asset=current, at=at)


def delete_asset(*, asset: Asset) -> None:
    """Forget an asset with its agents, its scans and its place in jobs and runs. Raises NotFound where it is gone."""
    # Whoever tells a tag's members holds the tree, and whoever tags it or scans it its row: none must link what goes.
    lock_tree(asset.customer_id, shared=True)
    row = Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk).select_for_update(of=("self",)).first()
    if row is None:
        raise NotFound
    row.delete()


def _new(customer_id: int, machine: Machine, *, at: datetime) -> Asset:
    number = next_number(customer_id=customer_id, of=Counted.ASSETS)
    asset: Asset = Asset.objects.create(
        customer_id=customer_id,
        number=number,
        name=machine.name,
        timezone=machine.timezone or "",
        created_at=at,
        **_described(machine),
    )
    return asset


def _described(machine: Machine) -> dict[str, Any]:
    """The columns that are the agent's to tell."""
    return {
        "reported_name": machine.name,
        "platform": machine.platform,
        "operating_system": machine.operating_system or "",
        "os_identifier": machine.os_identifier or "",
        "os_version": machine.version or "",
        "architecture": machine.architecture or "",
        "reported_timezone": machine.timezone or "",
        "package_manager": machine.package_manager or "",
        "interfaces": [one.model_dump(by_alias=True) for one in machine.interfaces or ()],
        "hardware": machine.hardware.model_dump(by_alias=True) if machine.hardware else {},
        "last_logged_on_user": machine.last_logged_on_user or "",
    }


def _unless_given(column: str, reported: str) -> Case:
    return Case(When(**{f"{column}_is_given": True}, then=F(column)), default=Value(reported))


def _locked(asset: Asset) -> Asset:
    """The asset as it is now, locked with the tree shared. Raises NotFound where it is gone."""
    lock_tree(asset.customer_id, shared=True)
    rows = Asset.objects.for_customer(asset.customer_id).filter(pk=asset.pk)
    if not lock_assets(rows):
        raise NotFound
    current: Asset = rows.get()
    return current
