"""What importers store, and what follows from it: versions, superseding, what closes what."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.customer_context import acting_for
from inventory import services
from inventory.descriptions import Scan
from inventory.entries import FixEntry, Gathered, PatchEntry, VulnerabilityEntry, qid_reference
from inventory.models import Asset, Closing, Patch, Platform, Supersedence, Vulnerability
from inventory.querying import closing_condition, patch_condition
from inventory.services.catalogue import Outcome, Stored
from tests import factories
from tests.factories import NOW, Person, later
from tests.tenants.worlds import scan


def apt(package: str = "openssl", version: str = "3.0.1", *, on: tuple[str, ...] = (), **more: Any) -> PatchEntry:
    return PatchEntry(
        platform=Platform.LINUX,
        package_manager="apt",
        package=package,
        version=version,
        architecture="all",
        added={"supported_os": on},
        **more,
    )


def windows(vendor_id: str, **more: Any) -> PatchEntry:
    return PatchEntry(
        platform=Platform.WINDOWS, package_manager="windows", package=vendor_id, vendor_id=vendor_id, **more
    )


def store(
    of: Person, *patches: PatchEntry, vulnerabilities: tuple[VulnerabilityEntry, ...] = (), at: Any = NOW
) -> list[Stored]:
    return services.store_catalogue(
        customer_id=of.customer.pk, gathered=Gathered(list(patches), list(vulnerabilities)), at=at
    )


def outcomes(stored: list[Stored]) -> list[Outcome]:
    return [one.outcome for one in stored]


def found(query: str) -> set[str]:
    return {
        f"{one.package} {one.version}".strip()
        for one in Patch.objects.filter(patch_condition(query, now=NOW, field=""))
    }


def closing(query: str | None) -> set[str]:
    return {
        f"{one.package} {one.version}".strip()
        for one in Patch.objects.filter(closing_condition(query, now=NOW, field=""))
    }


def recorded(asset: Asset, *updates: tuple[str, str, str], system: str = "") -> None:
    told = Scan.model_validate(scan(updates=updates, name=asset.name))
    told.machine.os_identifier, told.machine.operating_system = asset.os_identifier, system or None
    services.record_scan(asset=asset, scan=told, at=NOW)


def test_store__twice__is_created_then_unchanged(ada: Person) -> None:
    entries = (apt(told={"title": "OpenSSL"}), windows("KB1", told={"kb": "KB1", "severity": "Critical"}))

    first, second = store(ada, *entries), store(ada, *entries, at=later(days=1))

    assert outcomes(first) == [Outcome.CREATED, Outcome.CREATED]
    assert outcomes(second) == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    row = Patch.objects.get(vendor_id="KB1")
    assert (row.kb, row.is_security, row.modified_at, row.synced_at) == ("KB1", True, NOW, later(days=1))
    assert (row.products, row.architectures) == (["KB1"], [""])


def test_store__something_new_of_a_known_one__updates_it_and_leaves_the_rest(ada: Person) -> None:
    store(ada, windows("KB1", told={"kb": "KB1", "title": "First"}))

    (stored,) = store(ada, windows("KB1", told={"title": "Second", "told_products": ["Office"]}), at=later(days=1))

    row = Patch.objects.get()
    assert stored.outcome is Outcome.UPDATED
    assert (row.kb, row.title, row.products, row.modified_at) == ("KB1", "Second", ["Office"], later(days=1))


def test_store__what_a_scan_told__adds_to_it(ada: Person) -> None:
    asset = factories.asset(ada.customer)
    recorded(asset, ("openssl", "1.0", "3.0.1"), system="Debian GNU/Linux 12 (bookworm)")

    (stored,) = store(ada, apt(on=("Debian 11",), told={"description": "Secure Sockets"}))

    row = Patch.objects.get()
    assert stored.outcome is Outcome.UPDATED
    assert (row.supported_os, row.description) == (["Debian 12", "Debian 11"], "Secure Sockets")


def test_store__one_bad_among_good__stores_the_good(ada: Person) -> None:
    store(ada, windows("KB1"), windows("KB2"))
    thief = PatchEntry(platform=Platform.WINDOWS, package_manager="windows", package="KB1", vendor_id="KB2")

    stored = store(ada, thief, windows("KB3"), windows("KB3"), windows("KB4"))

    assert outcomes(stored) == [Outcome.FAILED, Outcome.CREATED, Outcome.FAILED, Outcome.CREATED]
    assert "another patch" in stored[0].problem
    assert "came before" in stored[2].problem
    assert set(Patch.objects.values_list("vendor_id", flat=True)) == {"KB1", "KB2", "KB3", "KB4"}


def test_store__many__takes_as_many_statements_as_few(ada: Person) -> None:
    def statements(number: int, prefix: str) -> int:
        entries = [
            windows(f"{prefix}{one}", supersedes=[f"{prefix}{one - 1}"], closes=[qid_reference(one)])
            for one in range(number)
        ]
        vulnerabilities = tuple(VulnerabilityEntry(reference=qid_reference(one), qid=one) for one in range(number))
        with CaptureQueriesContext(connection) as queries:
            store(ada, *entries, vulnerabilities=vulnerabilities)
        return len(queries)

    assert statements(3, "few") == statements(100, "many")


def test_supersedes__by_the_vendors_word__also_of_one_that_comes_later(ada: Person) -> None:
    stored = store(ada, windows("KB2", supersedes=["KB1", "KB0"]), windows("KB1"))

    assert stored[0].unknown == ["KB0"]
    assert found("isSuperseded:true") == {"KB1"}
    assert found(f"supersedes:{Patch.objects.get(vendor_id='KB1').public_id}") == {"KB2"}
    assert found(f"supersededBy:{Patch.objects.get(vendor_id='KB2').public_id}") == {"KB1"}
    store(ada, windows("KB2", supersedes=[]))
    assert not Supersedence.objects.exists()


def test_supersedes__not_told_again__stays(ada: Person) -> None:
    store(ada, windows("KB2", supersedes=["KB1"]), windows("KB1"))

    store(ada, windows("KB2", told={"title": "Other"}))

    assert found("isSuperseded:true") == {"KB1"}


def test_supersedes__newer_versions__by_dpkgs_order(ada: Person) -> None:
    store(ada, apt(version="1.9-1"), apt(version="1.10-1~bpo1"), apt(version="1.10-1"), apt("curl", "1.2"))

    assert found("isSuperseded:true") == {"openssl 1.9-1", "openssl 1.10-1~bpo1"}


@pytest.mark.parametrize(
    ("older", "newer", "superseded"),
    [
        (("Debian 11",), ("Debian 12",), False),
        (("Debian 12",), ("Debian 12",), True),
        (("Debian 12",), ("Debian 11", "Debian 12"), True),
        (("Debian 11", "Debian 12"), ("Debian 12",), False),
        ((), (), True),
        ((), ("Debian 12",), False),
        (("Debian 12",), (), False),
    ],
)
def test_supersedes__newer_version__only_for_all_of_its_systems(
    ada: Person, older: tuple[str, ...], newer: tuple[str, ...], superseded: bool
) -> None:
    store(ada, apt(version="1.0", on=older), apt(version="2.0", on=newer))

    assert (found("isSuperseded:true") == {"openssl 1.0"}) is superseded


def test_supersedes__withdrawn_newer_version__does_not(ada: Person) -> None:
    store(ada, apt(version="1.0"), apt(version="2.0", told={"deleted": True}))

    assert found("isSuperseded:false") == {"openssl 1.0"}


def test_supersedes__another_customers_newer_version__does_not(ada: Person) -> None:
    rival = factories.stranger()
    store(ada, apt(version="1.0"))
    with acting_for(rival.customer.pk):
        store(rival, apt(version="2.0"))

    assert found("isSuperseded:true") == set()


def test_patch_condition__switched_off_or_withdrawn__is_never_found(ada: Person) -> None:
    store(ada, windows("KB1", told={"enabled": False}), windows("KB2", told={"deleted": True}), windows("KB3"))

    assert found("vendorPatchId:*") == {"KB3"}


# --- closing ----------------------------------------------------------------------------------------------------------


def test_closing__by_word__is_replaced_by_the_next(ada: Person) -> None:
    holes = tuple(VulnerabilityEntry(reference=qid_reference(one), qid=one, severity=one) for one in (3, 5))
    store(ada, windows("KB1", closes=["QID-3"]), windows("KB2", closes=["QID-3", "QID-5"]), vulnerabilities=holes)

    assert closing("qid:3") == {"KB1", "KB2"}
    assert closing("severity > 4") == {"KB2"}
    assert found("qid:5") == {"KB2"}

    store(ada, windows("KB2", closes=["QID-3"]))
    assert closing("qid:5") == set()


@pytest.mark.parametrize("vulnerability_first", [True, False])
def test_closing__all_cves_of_a_vulnerability__whichever_comes_first(ada: Person, vulnerability_first: bool) -> None:
    hole = VulnerabilityEntry(reference="QID-1", qid=1, cves=["CVE-2026-0001", "CVE-2026-0002"])
    whole = windows("KB1", told={"cves": ["CVE-2026-0002", "CVE-2026-0001", "CVE-2026-0003"]})
    half = windows("KB2", told={"cves": ["CVE-2026-0001"]})

    if vulnerability_first:
        store(ada, vulnerabilities=(hole,))
    store(ada, whole, half)
    store(ada, vulnerabilities=(hole,))

    assert closing("qid:1") == {"KB1"}


def test_closing__cves_taken_back__closes_no_longer(ada: Person) -> None:
    hole = VulnerabilityEntry(reference="QID-1", qid=1, cves=["CVE-2026-0001"])
    store(ada, windows("KB1", told={"cves": ["CVE-2026-0001"]}), vulnerabilities=(hole,))

    store(ada, windows("KB1", told={"cves": []}))

    assert not Closing.objects.exists()


def test_closing__fixed_from_a_version_on__of_that_system_alone(ada: Person) -> None:
    fix = FixEntry(package_manager="apt", package="openssl", version="3.0.2", system="Debian 12")
    hole = VulnerabilityEntry(reference="DSA-1", cves=["CVE-2026-0001"], fixes=[fix])
    store(ada, apt(version="3.0.1", on=("Debian 12",)), apt(version="3.0.3", on=("Debian 11",)))

    store(
        ada,
        apt(version="3.0.10", on=("Debian 12",)),
        apt("libssl3", "3.0.2", on=("Debian 12",), told={"source_package": "openssl"}),
        apt("curl", "9.9", on=("Debian 12",)),
        vulnerabilities=(hole,),
    )

    assert closing("reference:DSA-1") == {"openssl 3.0.10", "libssl3 3.0.2"}


def test_closing__a_patch_that_a_scan_tells_later__is_linked_and_detected(ada: Person) -> None:
    fix = FixEntry(package_manager="apt", package="openssl", version="3.0.2", system="Debian 12")
    store(ada, vulnerabilities=(VulnerabilityEntry(reference="DSA-1", fixes=[fix]),))
    assert Vulnerability.objects.get().detected_at is None

    recorded(factories.asset(ada.customer), ("openssl", "3.0.1", "3.0.2"), system="Debian GNU/Linux 12 (bookworm)")

    assert closing(None) == {"openssl 3.0.2"}
    assert Vulnerability.objects.get().detected_at == NOW


def test_closing__a_patch_becomes_known_for_another_system__is_linked(ada: Person) -> None:
    fix = FixEntry(package_manager="apt", package="openssl", version="3.0.2", system="Debian 12")
    store(ada, vulnerabilities=(VulnerabilityEntry(reference="DSA-1", fixes=[fix]),))
    recorded(factories.asset(ada.customer), ("openssl", "3.0.1", "3.0.2"), system="Debian GNU/Linux 11 (bullseye)")
    assert closing(None) == set()

    recorded(factories.asset(ada.customer), ("openssl", "3.0.1", "3.0.2"), system="Debian GNU/Linux 12 (bookworm)")

    assert closing(None) == {"openssl 3.0.2"}
    assert Patch.objects.get().supported_os == ["Debian 11", "Debian 12"]


def test_closing__missing_somewhere_before_the_vulnerability_is_told__is_detected_then(ada: Person) -> None:
    asset = factories.asset(ada.customer)
    store(ada, windows("KB1", told={"cves": ["CVE-2026-0001"]}))
    factories.missing(Patch.objects.get(), asset)

    store(
        ada, vulnerabilities=(VulnerabilityEntry(reference="CVE-2026-0001", cves=["CVE-2026-0001"]),), at=later(days=1)
    )

    assert Vulnerability.objects.get().detected_at == later(days=1)


def test_fix__of_two_versions__the_newer_counts(ada: Person) -> None:
    for version in ("3.0.2", "3.0.9", "3.0.5"):
        fix = FixEntry(package_manager="apt", package="openssl", version=version)
        store(ada, vulnerabilities=(VulnerabilityEntry(reference="DSA-1", fixes=[fix]),))

    store(ada, apt(version="3.0.5"), apt(version="3.0.9"))

    assert closing(None) == {"openssl 3.0.9"}
