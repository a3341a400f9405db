"""Taking in an inventory."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import services
from inventory.descriptions import Scan
from inventory.models import Asset, AssetPatch, Inventory, Patch, Platform
from inventory.versions import version_key
from tests import factories
from tests.factories import NOW, Person

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def host(ada: Person) -> Asset:
    """An apt machine."""
    return factories.asset(ada.customer, scanned_at=None)


def _package(name: str, version: str, state: str = "installed") -> dict[str, str]:
    return {"name": name, "version": version, "architecture": "amd64", "state": state}


def _update(name: str, old: str, new: str, **more: Any) -> dict[str, Any]:
    return {"package": name, "architecture": "amd64", "fromVersion": old, "toVersion": new} | more


def _scan(host: Asset, *packages: dict[str, str], updates: tuple[Any, ...] = (), at: Any = NOW, **more: Any) -> None:
    machine = {
        "name": host.name, "platform": "Linux", "osIdentifier": host.os_identifier, "packageManager": "apt",
    }  # fmt: skip
    told = {"at": at.isoformat(), "machine": machine | more, "packages": list(packages), "updates": list(updates)}
    services.record_scan(asset=host, scan=Scan.model_validate(told), at=at)


def _stands(host: Asset) -> dict[str, tuple[str, str, bool]]:
    """Patch → status, the version before, broken."""
    rows = AssetPatch.objects.filter(asset=host).select_related("patch")
    return {f"{row.patch.package} {row.patch.version}": (row.status, row.from_version, row.broken) for row in rows}


def test_scan__first__grows_the_catalogue(host: Asset) -> None:
    _scan(
        host,
        _package("nginx", "1.0"),
        updates=(
            _update("nginx", "1.0", "1.1", source="stable", severity="Important", cves=["CVE-1"], advisory="A-1"),
        ),
    )

    patch = Patch.objects.get()
    assert (patch.package, patch.version, patch.architecture, patch.package_manager) == ("nginx", "1.1", "amd64", "apt")
    assert (patch.title, patch.source, patch.severity, patch.advisory, patch.cves) == (
        "nginx 1.1",
        "stable",
        "Important",
        "A-1",
        ["CVE-1"],
    )
    assert _stands(host) == {"nginx 1.1": ("Missing", "1.0", False)}
    host.refresh_from_db()
    assert (host.scanned_at, host.last_contact_at) == (NOW, NOW)
    assert Inventory.objects.get().packages == [_package("nginx", "1.0")]


def test_scan__same_again_and_by_another_host__makes_no_second_patch(ada: Person, host: Asset) -> None:
    other = factories.asset(ada.customer)
    for one in (host, host, other):
        _scan(one, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))

    assert Patch.objects.count() == 1
    assert AssetPatch.objects.count() == 2
    assert Inventory.objects.count() == 2


def test_scan__missing_and_then_installed__keeps_the_version_before(host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))
    _scan(host, _package("nginx", "1.1"), at=LATER)
    first = _stands(host)
    _scan(host, _package("nginx", "1.1"), at=LATER)

    assert first == {"nginx 1.1": ("Installed", "1.0", False)}
    assert _stands(host) == first


def test_scan__rolled_back__is_missing_again(host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))
    _scan(host, _package("nginx", "1.1"), at=LATER)
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),), at=LATER)

    assert _stands(host) == {"nginx 1.1": ("Missing", "1.0", False)}


def test_scan__half_installed__is_missing_and_broken_and_keeps_the_version_before(host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))
    _scan(host, _package("nginx", "1.1", "broken"), at=LATER)
    broken = _stands(host)
    _scan(host, _package("nginx", "1.1"), at=LATER)

    assert broken == {"nginx 1.1": ("Missing", "1.0", True)}
    assert _stands(host) == {"nginx 1.1": ("Installed", "1.0", False)}


def test_scan__installed_by_itself__has_no_version_before(ada: Person, host: Asset) -> None:
    _scan(factories.asset(ada.customer), _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))

    _scan(host, _package("nginx", "1.1"))

    assert _stands(host) == {"nginx 1.1": ("Installed", "", False)}


def test_scan__passed_over_for_a_newer_one__is_gone_from_the_host(host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.2"),), at=LATER)

    assert _stands(host) == {"nginx 1.2": ("Missing", "1.0", False)}
    assert Patch.objects.count() == 2


def test_scan__package_removed__its_rows_vanish(host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), _package("bash", "5"), updates=(_update("nginx", "1.0", "1.1"),))
    _scan(host, _package("bash", "5"), at=LATER)

    assert _stands(host) == {}
    assert Inventory.objects.get().packages == [_package("bash", "5")]


def test_scan__other_hosts_rows__are_left_alone(ada: Person, host: Asset) -> None:
    other = factories.asset(ada.customer)
    _scan(other, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))

    _scan(host)

    assert _stands(other) == {"nginx 1.1": ("Missing", "1.0", False)}


def test_scan__same_update_twice_in_one_scan__counts_once(host: Asset) -> None:
    update = _update("nginx", "1.0", "1.1")

    _scan(host, _package("nginx", "1.0"), _package("nginx", "1.0"), updates=(update, update))

    assert _stands(host) == {"nginx 1.1": ("Missing", "1.0", False)}


def test_scan__other_architecture_and_package_manager__is_another_patch(ada: Person, host: Asset) -> None:
    _scan(host, _package("nginx", "1.0"), updates=(_update("nginx", "1.0", "1.1"),))
    i386 = _update("nginx", "1.0", "1.1") | {"architecture": "i386"}
    _scan(host, _package("nginx", "1.0"), updates=(i386,), at=LATER)
    _scan(factories.asset(ada.customer), updates=(_update("nginx", "1.0", "1.1"),), packageManager="dnf")

    assert sorted(Patch.objects.values_list("package_manager", "architecture")) == [
        ("apt", "amd64"), ("apt", "i386"), ("dnf", "amd64"),
    ]  # fmt: skip


def test_scan__number_of_packages__does_not_change_the_number_of_statements(ada: Person) -> None:
    counts = []
    for packages in (1, 400):
        host = factories.asset(ada.customer)
        told = [_package(f"p{number}", "1") for number in range(packages)]
        updates = tuple(_update(f"p{number}", "1", f"{packages}") for number in range(packages))
        with CaptureQueriesContext(connection) as captured:
            _scan(host, *told, updates=updates)
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert Patch.objects.count() == 401


def test_scan__stale_copy_of_the_asset__does_not_write_over_its_tags(ada: Person, host: Asset) -> None:
    tag = factories.tag(ada.customer, "web")
    services.tag_asset(asset=Asset.objects.get(pk=host.pk), tag=tag)

    _scan(host)

    assert Asset.objects.get(pk=host.pk).tag_ids == [tag.pk]


def test_scan__what_the_machine_is__is_told_anew(host: Asset) -> None:
    _scan(host, operatingSystem="Debian 13", timezone="Europe/Berlin", hardware={"model": "X1"},
          interfaces=[{"interfaceName": "eth0", "address": "10.0.0.1"}])  # fmt: skip

    found = Asset.objects.get(pk=host.pk)
    assert (found.operating_system, found.timezone, found.hardware["model"]) == ("Debian 13", "Europe/Berlin", "X1")
    assert found.interfaces[0]["interfaceName"] == "eth0"


def test_register__known_machine__is_the_same_asset(ada: Person, host: Asset) -> None:
    from inventory.descriptions import Machine

    machine = Machine(name="renamed", platform="Linux", os_identifier=host.os_identifier)

    again = services.register_asset(customer_id=ada.customer.pk, machine=machine, at=LATER)

    assert (again.pk, Asset.objects.count(), Asset.objects.get().name) == (host.pk, 1, "renamed")


def test_scan__windows_products__are_held_against_the_catalogue(ada: Person) -> None:
    host = factories.asset(ada.customer, scanned_at=None, platform=Platform.WINDOWS)
    told = [("Viewer", "2.0", "x64"), ("Viewer", "1.10", ""), ("Viewer", "1.9", "x64"), ("Viewer", "3.0", "x86")]
    for name, version, architecture in [*told, ("Editor", "9.0", "x64")]:
        Patch.objects.create(
            customer=ada.customer,
            platform=Platform.WINDOWS,
            package_manager="windows",
            package=name,
            version=version,
            version_key=version_key("windows", version),
            architecture=architecture,
            title=f"{name} {version}",
        )
    windows = {"platform": "Windows", "packageManager": "windows"}
    product = {"name": "Viewer", "architecture": "x64"}

    _scan(host, product | {"version": "1.9.0"}, **windows)
    assert _stands(host) == {
        "Viewer 2.0": ("Missing", "1.9.0", False),
        "Viewer 1.10": ("Missing", "1.9.0", False),
        "Viewer 1.9": ("Installed", "", False),
    }

    _scan(host, product | {"version": "2.0"}, at=LATER, **windows)
    assert _stands(host) == {"Viewer 2.0": ("Installed", "1.9.0", False)}
