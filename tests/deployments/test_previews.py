"""POST …/preview: what a job would do, before it does it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Event
from deployments.models import Job, Run
from inventory.models import Asset, Closing, Platform, Vulnerability
from tenants.models import Role
from tests import factories
from tests.factories import Person

DAILY = {"scheduleType": "Daily", "startDateTime": "2031-03-28 02:30:00", "timeout": 2}


def _plan(ada: Person, path: str = "", **changes: Any) -> dict[str, Any]:
    answer = ada.post("deploymentjob/preview" + path, factories.job_body(**changes))
    assert answer.status_code == 200, answer.json()
    return answer.json()


def _ids(*rows: Any) -> list[str]:
    return [str(row.public_id) for row in rows]


@pytest.fixture
def fleet(ada: Person) -> dict[str, Asset]:
    """Machines that are each another case for one patch, by name."""
    hosts = {name: factories.asset(ada.customer, name) for name in ("done", "excluded", "needs")}
    hosts["windows"] = factories.asset(ada.customer, "windows", platform=Platform.WINDOWS)
    return hosts


def test_preview__body__tells_hosts_reasons_and_patches(ada: Person, fleet: dict[str, Asset]) -> None:
    patch = factories.patch(ada.customer)
    factories.missing(patch, fleet["needs"], fleet["excluded"], fleet["windows"])
    factories.installed(patch, fleet["done"])

    plan = _plan(
        ada, approvedPatches=_ids(patch), assetIds=_ids(*fleet.values()), exclusionAssetIds=_ids(fleet["excluded"])
    )

    assert {host["name"]: (host["reason"], host["applicable"], host["patches"]) for host in plan["assets"]} == {
        "needs": (None, True, _ids(patch)),
        "done": ("no_patch_missing", False, []),
        "excluded": ("excluded", False, []),
        "windows": ("other_platform", False, []),
    }
    assert (plan["assetCount"], plan["applicableAssetCount"]) == (4, 1)
    assert plan["reasons"] == {"no_patch_missing": 1, "excluded": 1, "other_platform": 1}
    assert [one["id"] for one in plan["patches"]] == _ids(patch)
    assert all(host["reasonText"] for host in plan["assets"] if host["reason"])


def test_preview__body__stores_nothing(ada: Person, fleet: dict[str, Asset]) -> None:
    _plan(ada, status="Enabled", assetIds=_ids(fleet["needs"]), preDeployActions=[factories.script()])

    assert not Job.objects.exists()
    assert not Run.objects.exists()
    assert not Event.objects.exists()


def test_preview__wrong_body__is_refused_like_a_new_job(ada: Person) -> None:
    body = factories.job_body(name=None, scheduleType="Weekly", assetIdz=[])

    previewed, created = ada.post("deploymentjob/preview", body), ada.post("deploymentjob", body)

    assert previewed.status_code == created.status_code == 400
    assert previewed.json()["errors"] == created.json()["errors"]


def test_preview__stored_job__is_that_of_its_body(ada: Person, fleet: dict[str, Asset]) -> None:
    body = factories.job_body(assetIds=_ids(*fleet.values()), preDeployActions=[factories.script()], **DAILY)
    job = ada.post("deploymentjob", body).json()

    stored, before = ada.post(f"deploymentjob/{job['id']}/preview").json(), _plan(ada, **body)

    assert stored == before


def test_preview__same_plan__has_the_same_hash_until_anything_of_it_changes(
    ada: Person, fleet: dict[str, Asset]
) -> None:
    patch = factories.patch(ada.customer)
    factories.missing(patch, fleet["needs"])
    body = {"approvedPatches": _ids(patch), "assetIds": _ids(fleet["needs"]), **DAILY}
    others = [
        body | {"startDateTime": "2031-03-28 02:31:00"},
        body | {"continueOnPatchFailure": True},
        body | {"preDeployActions": [factories.script()]},
        body | {"assetIds": _ids(fleet["needs"], fleet["done"])},
    ]

    hashes = [_plan(ada, **one)["planHash"] for one in (body, body, *others)]
    factories.installed(factories.patch(ada.customer, "other"), fleet["needs"])
    unrelated = _plan(ada, **body)["planHash"]
    ada.patch(f"asset/{fleet['needs'].public_id}", {})
    fleet["needs"].patch_links.filter(patch=patch).delete()
    now_done = _plan(ada, **body)["planHash"]

    assert hashes[0] == hashes[1] == unrelated
    assert len({*hashes, now_done}) == len(hashes)


def test_preview__own_clock__starts_and_ends_by_each_machines_zone(ada: Person) -> None:
    for name in ("Pacific/Auckland", "America/New_York", ""):
        host = factories.asset(ada.customer, name or "untold")
        Asset.objects.filter(pk=host.pk).update(timezone=name)
    hosts = list(Asset.objects.all())

    plan = _plan(
        ada, timezoneType="AGENT_TZ", timezone="Europe/Berlin", assetIds=_ids(*hosts),
        preDeployActions=[factories.script()], **DAILY,
    )  # fmt: skip

    assert {host["name"]: (host["startDateTime"], host["deadline"]) for host in plan["assets"]} == {
        "Pacific/Auckland": ("2031-03-27T13:30:00Z", "2031-03-27T15:30:00Z"),
        "America/New_York": ("2031-03-28T06:30:00Z", "2031-03-28T08:30:00Z"),
        "untold": ("2031-03-28T01:30:00Z", "2031-03-28T03:30:00Z"),
    }
    assert [one["timezone"] for one in plan["occurrences"]] == ["America/New_York", "Europe/Berlin", "Pacific/Auckland"]
    berlin = plan["occurrences"][1]["starts"]
    # On March 30 clocks go from 2 to 3 there.
    assert [(one["dateTime"], one["notes"]) for one in berlin[:4]] == [
        ("2031-03-28T01:30:00Z", []),
        ("2031-03-29T01:30:00Z", []),
        ("2031-03-30T01:00:00Z", ["gap_shifted"]),
        ("2031-03-31T00:30:00Z", []),
    ]
    assert berlin[0]["localDateTime"] == "2031-3-28 02:30:00 AM"


def test_preview__another_job_on_the_same_hosts__is_told(ada: Person, fleet: dict[str, Asset]) -> None:
    work = {"preDeployActions": [factories.script()], "status": "Enabled", **DAILY}
    meets = factories.job(ada, name="meets", assetIds=_ids(fleet["needs"], fleet["done"]), **work)
    factories.job(ada, name="elsewhere", assetIds=_ids(fleet["windows"]), **work)
    factories.job(ada, name="excludes", assetIds=_ids(fleet["needs"]), exclusionAssetIds=_ids(fleet["needs"]), **work)
    factories.job(ada, name="later", assetIds=_ids(fleet["needs"]), **work | {"startDateTime": "2031-03-28 04:30:00"})
    factories.job(ada, name="off", assetIds=_ids(fleet["needs"]), **work | {"status": "Disabled"})

    plan = _plan(ada, assetIds=_ids(fleet["needs"]), **work | {"startDateTime": "2031-03-28 03:30:00", "timeout": 1})

    assert [(one["jobId"], one["assetCount"]) for one in plan["overlaps"]] == [(str(meets.public_id), 1)]


def test_preview__many_hosts__are_paged(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, f"host {number:02}") for number in range(12)]
    body = factories.job_body(assetIds=_ids(*hosts), preDeployActions=[factories.script()])

    first, second = (ada.post(f"deploymentjob/preview?pageSize=10&pageNumber={page}", body) for page in (0, 1))

    names = [host["name"] for answer in (first, second) for host in answer.json()["assets"]]
    assert names == [f"host {number:02}" for number in range(12)]
    assert first.headers["X-Total-Count"] == "12"
    assert first.json()["assetCount"] == second.json()["assetCount"] == 12


def test_preview__many_hosts_and_patches__take_as_many_statements_as_few(ada: Person) -> None:
    def statements(number: int) -> int:
        hosts = [factories.asset(ada.customer) for _ in range(number)]
        patches = [factories.patch(ada.customer, f"p{number}-{one}") for one in range(number)]
        for patch in patches:
            factories.missing(patch, *hosts)
        body = factories.job_body(approvedPatches=_ids(*patches), assetIds=_ids(*hosts))
        job = ada.post("deploymentjob", body).json()
        with CaptureQueriesContext(connection) as asked:
            assert ada.post(f"deploymentjob/{job['id']}/preview").status_code == 200
        return len(asked)

    assert statements(2) == statements(9)


def test_preview__viewer__may_look(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    job = factories.job(ada)

    assert viewer.post(f"deploymentjob/{job.public_id}/preview").status_code == 200
    assert viewer.post("deploymentjob/preview", factories.job_body()).status_code == 200


def test_preview__job_made_for_vulnerabilities__tells_which_patches_close_them(ada: Person) -> None:
    host = factories.asset(ada.customer)
    closing, other = factories.patch(ada.customer, "closing"), factories.patch(ada.customer, "other")
    hole = Vulnerability.objects.create(customer=ada.customer, reference="QID-91234", qid=91234)
    Closing.objects.create(customer=ada.customer, vulnerability=hole, patch=closing)

    plan = _plan(
        ada, approvedPatches=_ids(closing, other), assetIds=_ids(host), remediationQids="91234, 7", isVulnContext=True
    )

    assert plan["remedies"] == [{"qid": 91234, "patches": _ids(closing)}, {"qid": 7, "patches": []}]
