"""A job that counts as complete at a share of its hosts: told once, when that share has ended."""

from typing import Any

import pytest

from core.models import Event
from deployments import services
from deployments.models import HostTask, Run
from tests import factories
from tests.factories import NOW, Person


def _running(ada: Person, hosts: int, *, share: int | None, complete: bool = True) -> Run:
    assets = [str(factories.asset(ada.customer).public_id) for _ in range(hosts)]
    notification = {
        "notificationTypes": {"email": True},
        "notificationConfigs": {"recipientEmails": "ops@example.com", "completedPercentage": share},
        "notificationEvents": {"onJobStart": True, "onJobComplete": complete},
    }
    job = factories.job(
        ada, status="Enabled", assetIds=assets, preDeployActions=[factories.script()], notification=notification
    )
    run = Run.objects.get(job=job)
    services.resolve(run_id=run.pk, at=NOW)
    return run


def _end(run: Run, hosts: int) -> None:
    open_ones = HostTask.objects.filter(run=run, state="Pending").values_list("pk", flat=True)[:hosts]
    HostTask.objects.filter(pk__in=list(open_ones)).update(state="Missed", reason="never_came", finished_at=NOW)


def _told() -> list[Any]:
    return list(Event.objects.filter(kind="run.share_reached").values_list("data__percentage", flat=True))


@pytest.mark.parametrize(("ended", "told"), [(2, []), (3, [75]), (4, [])])
def test_sweep__share_of_hosts_ended__is_told_from_there_on(ada: Person, ended: int, told: list[int]) -> None:
    # With the last host the run ends, and that is told.
    run = _running(ada, 4, share=75)
    _end(run, ended)
    if ended == 4:
        services.close(run_id=run.pk, at=NOW)

    services.sweep(at=NOW)

    assert _told() == told


def test_sweep__again__tells_once_and_the_end_not_at_all(ada: Person) -> None:
    run = _running(ada, 4, share=50)
    for _ in range(2):
        _end(run, 2)
        services.sweep(at=NOW)

    completed = Event.objects.get(kind="run.completed")
    assert _told() == [50]
    assert completed.data["shareTold"] is True


@pytest.mark.parametrize(("share", "complete"), [(None, True), (100, True), (50, False)])
def test_sweep__no_share_wanted__tells_none(ada: Person, share: int | None, complete: bool) -> None:
    run = _running(ada, 4, share=share, complete=complete)
    _end(run, 3)

    services.sweep(at=NOW)

    assert _told() == []
