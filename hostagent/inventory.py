"""SCAN: what is installed here, and what could be."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from hostagent import machine
from hostagent.clock import to_text
from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.providers import Provider


def scan(host: Host, provider: Provider | None, *, at: datetime, reboot_required: bool) -> dict[str, Any]:
    """The protocol's SCAN. PackageManagerFailed when the package manager cannot say what is installed."""
    return {
        "at": to_text(at),
        "bootId": host.boot_id(),
        "machine": machine.facts(host, provider.name if provider else None),
        "rebootRequired": reboot_required,
        "packages": provider.packages() if provider else [],
        "updates": _updates(provider) if provider else [],
    }


def _updates(provider: Provider) -> list[dict[str, Any]]:
    # A source that does not answer, or a lock: the lists of last time are better than no inventory.
    with suppress(PackageManagerFailed):
        provider.refresh()
    return provider.updates()
