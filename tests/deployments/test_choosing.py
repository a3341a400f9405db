"""Which patches a run deals with, where a query chooses them at that moment."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.models import Run
from deployments.services import choosing
from inventory.models import Patch
from tests import factories
from tests.factories import NOW, Person


def _chosen(ada: Person, **changes: Any) -> list[str]:
    """The packages of a new job's first run."""
    job = factories.job(ada, **{"status": "Enabled", "isDynamicPatchesQQL": True} | changes)
    run = Run.objects.get(job=job)
    services.resolve(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    return [patch["package"] for patch in run.snapshot["patches"]]


def _patch(ada: Person, package: str, severity: str = "None") -> Patch:
    patch = factories.patch(ada.customer, package)
    Patch.objects.filter(pk=patch.pk).update(severity=severity)
    return patch


def test_resolve__query__finds_what_is_missing_on_the_jobs_machines(ada: Person) -> None:
    host, other = factories.asset(ada.customer), factories.asset(ada.customer)
    excluded = factories.asset(ada.customer)
    here, there, had, kept_out = (_patch(ada, name) for name in ("here", "there", "had", "kept-out"))
    factories.missing(here, host)
    factories.missing(there, other)
    factories.installed(had, host)
    factories.missing(kept_out, excluded)
    ids = {"assetIds": [str(host.public_id), str(excluded.public_id)], "exclusionAssetIds": [str(excluded.public_id)]}

    assert _chosen(ada, **ids) == ["here"]
    assert there.pk and had.pk


def test_resolve__query__is_asked_when_the_run_resolves(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = factories.job(
        ada, status="Enabled", dynamicPatchesQQL="vendorSeverity:Critical", assetIds=[str(host.public_id)]
    )
    critical, low = _patch(ada, "critical", "Critical"), _patch(ada, "low", "Low")
    factories.missing(critical, host)
    factories.missing(low, host)

    run = Run.objects.get(job=job)
    services.resolve(run_id=run.pk, at=NOW)
    Patch.objects.filter(pk=low.pk).update(severity="Critical")

    run.refresh_from_db()
    assert [patch["package"] for patch in run.snapshot["patches"]] == ["critical"]


def test_resolve__second_query__adds_its_patches(ada: Person) -> None:
    host = factories.asset(ada.customer)
    for package in ("alpha", "beta", "gamma"):
        factories.missing(_patch(ada, package), host)

    found = _chosen(
        ada, dynamicPatchesQQL="title:alpha", additionalDynamicPatchesQQL="title:beta", assetIds=[str(host.public_id)]
    )

    assert sorted(found) == ["alpha", "beta"]


def test_resolve__more_than_a_run_takes__takes_the_newest(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST_PATCHES", 2)
    host = factories.asset(ada.customer)
    for package in ("oldest", "older", "newest"):
        factories.missing(_patch(ada, package), host)

    assert _chosen(ada, assetIds=[str(host.public_id)]) == ["newest", "older"]


def test_resolve__query_that_finds_nothing__leaves_every_host_without_work(ada: Person) -> None:
    scanned, unscanned = factories.asset(ada.customer), factories.asset(ada.customer, scanned_at=None)
    ids = [str(scanned.public_id), str(unscanned.public_id)]

    _chosen(ada, assetIds=ids, preDeployActions=[factories.script()])

    run = Run.objects.get()
    assert set(run.host_tasks.values_list("state", "reason")) == {("NotApplicable", "no_patch_missing")}


def test_resolve__query__takes_as_many_statements_for_many_patches(ada: Person) -> None:
    def statements(patches: int) -> int:
        host = factories.asset(ada.customer)
        for number in range(patches):
            factories.missing(_patch(ada, f"p{patches}-{number}"), host)
        job = factories.job(ada, status="Enabled", isDynamicPatchesQQL=True, assetIds=[str(host.public_id)])
        run = Run.objects.get(job=job)
        with CaptureQueriesContext(connection) as asked:
            services.resolve(run_id=run.pk, at=NOW)
        return len(asked)

    assert statements(1) == statements(20)


def test_enable__job_with_a_query_alone__can_run(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = factories.job(ada, dynamicQQLType=1, assetIds=[str(host.public_id)])

    answer = ada.post("deploymentjobs/update/status/Enabled", {"ids": [str(job.public_id)]})

    assert answer.json()[0]["status"] == "success"


@pytest.mark.parametrize("field", ["dynamicPatchesQQL", "additionalDynamicPatchesQQL"])
def test_create__query_with_a_mistake__is_told_where_it_stands(ada: Person, field: str) -> None:
    changes = {"dynamicPatchesQQL": "title:a", field: "vendorSeverty:Critical and"}

    answer = ada.post("deploymentjob", factories.job_body(**changes))

    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
