"""A job deleted while its run resolves or closes: both want the job and the run; neither waits for ever."""

import threading
from collections.abc import Callable

from django.db import connections

from core.customer_context import acting_for
from deployments import services
from deployments.models import HostTask, Job, Run
from deployments.reasons import Reason
from deployments.services.host_tasks import end
from deployments.states import HostTaskState
from tests import factories
from tests.factories import Person

_ROUNDS = 15


def test_delete__while_the_run_closes__one_of_the_two_waits_and_both_are_done(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    failed: list[BaseException] = []

    for _ in range(_ROUNDS):
        job = _running(ada, str(host.public_id))
        together = threading.Barrier(2)

        def close(job: Job = job, together: threading.Barrier = together) -> None:
            together.wait()
            with acting_for(ada.customer.pk):
                services.close(run_id=Run.objects.get(job=job).pk, at=factories.later(minutes=2))

        def delete(job: Job = job, together: threading.Barrier = together) -> None:
            together.wait()
            with acting_for(ada.customer.pk):
                services.delete(job=job, user=ada.user, at=factories.later(minutes=2))

        _at_once(failed, close, delete)

    with acting_for(ada.customer.pk):
        assert not failed
        assert set(Job.objects.values_list("state", flat=True)) == {"Deleted"}
        assert set(Run.objects.values_list("state", flat=True)) == {"Completed"}


def test_delete__while_the_run_resolves__one_of_the_two_waits_and_both_are_done(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    failed: list[BaseException] = []

    for _ in range(_ROUNDS):
        job = factories.job(
            ada, status="Enabled", assetIds=[str(host.public_id)], preDeployActions=[factories.script()]
        )
        together = threading.Barrier(2)

        def resolve(job: Job = job, together: threading.Barrier = together) -> None:
            together.wait()
            with acting_for(ada.customer.pk):
                services.resolve(run_id=Run.objects.get(job=job).pk, at=factories.later(minutes=1))

        def delete(job: Job = job, together: threading.Barrier = together) -> None:
            together.wait()
            with acting_for(ada.customer.pk):
                services.delete(job=job, user=ada.user, at=factories.later(minutes=1))

        _at_once(failed, resolve, delete)

    with acting_for(ada.customer.pk):
        assert not failed
        assert set(Job.objects.values_list("state", flat=True)) == {"Deleted"}
        assert not Run.objects.filter(state="Pending").exists()
        assert set(HostTask.objects.values_list("state", flat=True)) <= {"Canceled"}


def _running(ada: Person, host: str) -> Job:
    """A job whose run has begun and whose host has ended by its window: only the closing is left."""
    job = factories.job(ada, status="Enabled", assetIds=[host], preDeployActions=[factories.script()])
    with acting_for(ada.customer.pk):
        run = Run.objects.get(job=job)
        services.resolve(run_id=run.pk, at=factories.NOW)
        task = HostTask.objects.get(run=run)
        end(task, state=HostTaskState.MISSED, reason=Reason.NEVER_CAME, at=factories.later(minutes=1))
    return job


def _at_once(failed: list[BaseException], *works: Callable[[], None]) -> None:
    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as wrong:
            failed.append(wrong)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
