"""The legal moves, written out again, and what the database refuses whoever asks."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.errors import Conflict
from core.models import Event
from deployments import states
from deployments.models import HaltEnding, HostTask, Job, Run, RunHalt, RunWave
from deployments.states import HostTaskState, JobState, RunState, WaveState
from tests import factories
from tests.factories import NOW, Person

JOB_MOVES = {
    "Disabled": {"Enabled", "Deleting", "Deleted"},
    "Enabled": {"Disabled", "Deleting", "Deleted"},
    "Deleting": {"Deleted"},
    "Deleted": set(),
}
RUN_MOVES = {
    "Pending": {"Resolving", "AwaitingApproval", "Canceled", "Missed", "Skipped"},
    "Resolving": {"Running", "Canceled", "Skipped"},
    "Running": {"Paused", "Halted", "Completed", "Canceled"},
    "Paused": {"Running", "Completed", "Canceled"},
    "Halted": {"Running", "Completed", "Canceled"},
    "AwaitingApproval": {"Pending", "Canceled", "Missed"},
    "Completed": set(),
    "Canceled": set(),
    "Missed": set(),
    "Frozen": {"Pending", "Missed", "Canceled"},
    "Skipped": set(),
}
HOST_TASK_MOVES = {
    "Pending": {"Leased", "Canceled", "Missed", "Skipped"},
    "Leased": {"Running", "Lost", "Succeeded", "Failed", "NotApplicable", "TimedOut", "Canceled"},
    "Running": {
        "AwaitingReboot", "Verifying", "Lost", "Succeeded", "Failed", "NotApplicable", "TimedOut", "Canceled",
    },
    "AwaitingReboot": {
        "Running", "Verifying", "Lost", "Succeeded", "Failed", "NotApplicable", "TimedOut", "Canceled",
    },
    "Verifying": {"Lost", "Succeeded", "Failed", "NotApplicable", "TimedOut", "Canceled"},
    "Lost": {"Leased", "Running", "Verifying", "Succeeded", "Failed", "NotApplicable", "TimedOut", "Canceled"},
    "Succeeded": set(),
    "Failed": set(),
    "NotApplicable": set(),
    "TimedOut": set(),
    "Missed": set(),
    "Canceled": set(),
    "Skipped": set(),
}  # fmt: skip
WAVE_MOVES = {
    "Waiting": {"Open", "Skipped"},
    "Open": {"Soaking", "Closed"},
    "Soaking": {"Closed"},
    "Closed": set(),
    "Skipped": set(),
}
TABLES = [
    (Job, JobState, states.JOB_MOVES, JOB_MOVES),
    (Run, RunState, states.RUN_MOVES, RUN_MOVES),
    (HostTask, HostTaskState, states.HOST_TASK_MOVES, HOST_TASK_MOVES),
    (RunWave, WaveState, states.WAVE_MOVES, WAVE_MOVES),
]
HELD = ["Leased", "Running", "AwaitingReboot", "Verifying", "Lost"]


@pytest.fixture
def job(ada: Person) -> Job:
    """A disabled one."""
    return factories.job(ada)


@pytest.fixture
def run(job: Job) -> Run:
    """A pending one."""
    return Run.objects.create(**_run_columns(job))


@pytest.fixture
def task(run: Run, ada: Person) -> HostTask:
    """A pending one."""
    return HostTask.objects.create(**_task_columns(run, factories.asset(ada.customer)))


def _run_columns(job: Job, **columns: Any) -> dict[str, Any]:
    return {
        "customer_id": job.customer_id,
        "job": job,
        "instance": 1,
        "trigger": "user",
        "scheduled_for": NOW,
        "deadline": NOW + timedelta(hours=1),
        "opened_at": NOW,
        "state_changed_at": NOW,
    } | columns


def _task_columns(run: Run, asset: Any, **columns: Any) -> dict[str, Any]:
    return {
        "customer_id": run.customer_id,
        "run": run,
        "asset": asset,
        "state": "Pending",
        "state_changed_at": NOW,
        "start_at": NOW,
        "start_before": NOW + timedelta(hours=1),
        "deadline": NOW + timedelta(hours=1),
    } | columns


def _plain(moves: Mapping[Any, Iterable[Any]]) -> dict[str, set[str]]:
    return {str(state): {str(one) for one in onward} for state, onward in moves.items()}


@pytest.mark.parametrize(("model", "kind", "code", "written"), TABLES)
def test_moves__of_the_code__are_those_written_here(model: Any, kind: Any, code: Any, written: Any) -> None:
    assert _plain(code) == written
    assert set(written) == set(kind.values)
    assert model.MOVES is code


def test_states__final_and_held_and_live__are_those_written_here() -> None:
    assert {str(one) for one in states.FINAL_RUNS} == {"Completed", "Canceled", "Missed", "Skipped"}
    assert {str(one) for one in states.FINAL_HOST_TASKS} == {
        "Succeeded", "Failed", "NotApplicable", "TimedOut", "Missed", "Canceled", "Skipped",
    }  # fmt: skip
    assert {str(one) for one in states.HELD_HOST_TASKS} == set(HELD)
    assert {str(one) for one in states.HOST_TASKS_AT_WORK} == {"Leased", "Running", "AwaitingReboot", "Verifying"}
    assert {str(one) for one in states.FAILED_HOST_TASKS} == {"Failed", "TimedOut", "Lost"}
    assert {str(one) for one in states.LIVE_JOBS} == {"Disabled", "Enabled"}


@pytest.mark.parametrize(
    "model_and_moves",
    [(Job, JOB_MOVES), (Run, RUN_MOVES), (HostTask, HOST_TASK_MOVES), (RunWave, WAVE_MOVES)],
)
def test_move_to__every_illegal_move__conflicts(model_and_moves: tuple[Any, dict[str, set[str]]]) -> None:
    model, moves = model_and_moves

    for state, onward in moves.items():
        for target in moves.keys() - onward:
            with pytest.raises(Conflict, match="cannot become"):
                model(state=state).move_to(target, at=NOW)


def test_move_to__legal__changes_row_and_object_and_tells_it(run: Run) -> None:
    run.move_to("Resolving", at=NOW, snapshot={"name": "x"}, data={"why": "now"})

    again = Run.objects.get(pk=run.pk)
    event = Event.objects.get(kind="run.resolving")
    assert (run.state, again.state, again.snapshot, again.state_changed_at) == (
        "Resolving",
        "Resolving",
        {"name": "x"},
        NOW,
    )
    assert (event.run_id, event.job_id, event.customer_id, event.data) == (
        run.pk,
        run.job_id,
        run.customer_id,
        {"why": "now"},
    )


def test_move_to__stale_object__conflicts_and_tells_nothing(run: Run) -> None:
    stale = Run.objects.get(pk=run.pk)
    run.move_to("Resolving", at=NOW)

    with pytest.raises(Conflict, match="somebody else"):
        stale.move_to("Canceled", at=NOW, reason="job_deleted", finished_at=NOW)

    assert Run.objects.get(pk=run.pk).state == "Resolving"
    assert Event.objects.filter(run_id=run.pk).count() == 1


def test_move_to__raced_by_threads__one_wins(committed: None) -> None:
    from core.customer_context import acting_for

    ada = factories.person(customer=factories.customer())
    with acting_for(ada.customer.pk):
        run = Run.objects.create(**_run_columns(factories.job(ada)))

    def cancel() -> str:
        with acting_for(run.customer_id):
            Run(pk=run.pk, customer_id=run.customer_id, job_id=run.job_id, state="Pending").move_to(
                "Canceled", at=NOW, reason="job_deleted", finished_at=NOW
            )
        return "moved"

    found = factories.at_once(cancel, threads=4)

    assert sorted(map(str, found)) == ["This run has just been changed by somebody else."] * 3 + ["moved"]
    with acting_for(ada.customer.pk):
        assert Event.objects.filter(kind="run.canceled").count() == 1


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("job_has_a_known_state", {"state": "Asleep"}),
        ("only_an_enabled_job_has_a_next_run", {"next_run_at": NOW, "due_at": NOW}),
        ("only_an_enabled_job_has_a_next_run", {"state": "Deleting", "next_run_at": NOW, "due_at": NOW}),
        ("a_job_is_due_if_and_only_if_it_has_a_next_run", {"state": "Enabled", "next_run_at": NOW}),
        ("a_job_is_due_if_and_only_if_it_has_a_next_run", {"state": "Enabled", "due_at": NOW}),
    ],
)
def test_database__impossible_job__is_refused(job: Job, constraint: str, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**columns)


_RUN_ENDS = "a_run_has_an_end_and_a_reason_if_and_only_if_final"


@pytest.mark.parametrize("state", ["Completed", "Canceled", "Missed", "Skipped"])
@pytest.mark.parametrize("columns", [{}, {"finished_at": NOW}, {"reason": "done"}])
def test_database__run_that_ended_without_end_or_reason__is_refused(
    run: Run, state: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=_RUN_ENDS), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=state, **columns)


@pytest.mark.parametrize("state", ["Pending", "Resolving", "Running", "Paused", "Halted", "AwaitingApproval"])
@pytest.mark.parametrize("columns", [{"finished_at": NOW}, {"reason": "done"}])
def test_database__run_that_goes_on_with_an_end__is_refused(run: Run, state: str, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=_RUN_ENDS), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=state, **columns)


@pytest.mark.parametrize("columns", [{"state": "Frozen"}, {"resumes_at": NOW}])
def test_database__frozen_without_an_end_or_the_other_way_round__is_refused(run: Run, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="a_run_resumes_if_and_only_if_frozen"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**columns)


def test_database__same_occurrence_twice__is_refused(job: Job) -> None:
    Run.objects.create(**_run_columns(job, trigger="schedule"))

    with pytest.raises(IntegrityError, match="one_run_per_scheduled_occurrence"), transaction.atomic():
        Run.objects.create(**_run_columns(job, trigger="schedule", instance=2))
    with pytest.raises(IntegrityError, match="one_run_per_instance_of_a_job"), transaction.atomic():
        Run.objects.create(**_run_columns(job))
    # By hand, as often as somebody likes.
    Run.objects.create(**_run_columns(job, instance=3))


_TASK_ENDS = "a_host_task_has_an_end_and_a_reason_if_and_only_if_final"


@pytest.mark.parametrize("state", sorted(state for state, onward in HOST_TASK_MOVES.items() if not onward))
@pytest.mark.parametrize("columns", [{}, {"finished_at": NOW}, {"reason": "verified"}])
def test_database__host_task_that_ended_without_end_or_reason__is_refused(
    task: HostTask, state: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=_TASK_ENDS), transaction.atomic():
        HostTask.objects.filter(pk=task.pk).update(state=state, **columns)


@pytest.mark.parametrize("state", ["Pending", *HELD])
def test_database__host_task_that_goes_on_with_an_end__is_refused(task: HostTask, state: str) -> None:
    with pytest.raises(IntegrityError, match=_TASK_ENDS), transaction.atomic():
        HostTask.objects.filter(pk=task.pk).update(state=state, finished_at=NOW, reason="done", lease_until=NOW)


@pytest.mark.parametrize("state", ["Leased", "Running", "Verifying"])
def test_database__held_work_without_a_lease__is_refused(task: HostTask, state: str) -> None:
    with pytest.raises(IntegrityError, match="held_work_has_a_lease"), transaction.atomic():
        HostTask.objects.filter(pk=task.pk).update(state=state)


@pytest.mark.parametrize("state", HELD)
def test_database__two_held_host_tasks_of_one_asset__are_refused(task: HostTask, job: Job, state: str) -> None:
    other = HostTask.objects.create(**_task_columns(Run.objects.create(**_run_columns(job, instance=2)), task.asset))
    HostTask.objects.filter(pk=task.pk).update(state="Running", lease_until=NOW)

    with pytest.raises(IntegrityError, match="one_running_host_task_per_asset"), transaction.atomic():
        HostTask.objects.filter(pk=other.pk).update(state=state, lease_until=NOW)


def test_database__one_asset_twice_in_a_run__is_refused(task: HostTask) -> None:
    with pytest.raises(IntegrityError, match="one_host_task_per_asset_of_a_run"), transaction.atomic():
        HostTask.objects.create(**_task_columns(task.run, task.asset))


def test_database__another_customers_asset__is_refused(run: Run) -> None:
    foreign = factories.asset(factories.stranger().customer)

    with pytest.raises(IntegrityError, match="of_same_customer"), transaction.atomic():
        HostTask.objects.create(**_task_columns(run, foreign))


def _wave(run: Run, number: int, state: str, **columns: Any) -> RunWave:
    return RunWave.objects.create(
        customer_id=run.customer_id,
        run=run,
        number=number,
        hosts=1,
        soak_minutes=0,
        state=state,
        state_changed_at=NOW,
        **columns,
    )


def test_database__two_open_waves_or_two_of_a_number__are_refused(run: Run) -> None:
    _wave(run, 1, "Open")

    with pytest.raises(IntegrityError, match="one_wave_of_a_run_at_a_time"), transaction.atomic():
        _wave(run, 2, "Soaking")
    with pytest.raises(IntegrityError, match="one_wave_per_number_of_a_run"), transaction.atomic():
        _wave(run, 1, "Waiting")


@pytest.mark.parametrize(
    ("state", "columns"),
    [("Closed", {}), ("Skipped", {}), ("Open", {"closed_at": NOW}), ("Waiting", {"closed_at": NOW})],
)
def test_database__wave_that_does_not_say_when_it_closed__is_refused(
    run: Run, state: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="a_wave_is_closed_if_and_only_if_it_says_when"), transaction.atomic():
        _wave(run, 1, state, **columns)


def _halt(run: Run, **columns: Any) -> RunHalt:
    figures = {"wave": 1, "failed": 1, "sampled": 1, "percent": 1, "min_sample": 1}
    return RunHalt.objects.create(customer_id=run.customer_id, run=run, halted_at=NOW, **figures | columns)


def test_database__halt_without_an_end_that_fits__is_refused(run: Run, ada: Person) -> None:
    ends, whom = "a_halt_has_ended_if_and_only_if_it_says_how", "a_person_resumes_or_cancels_a_halted_run"
    impossible: list[tuple[str, dict[str, Any]]] = [
        (ends, {"ended_at": NOW}),
        (ends, {"ending": HaltEnding.RUN_ENDED}),
        (whom, {"ended_at": NOW, "ending": HaltEnding.RESUMED}),
        (whom, {"ended_at": NOW, "ending": HaltEnding.RUN_ENDED, "ended_by": ada.user}),
    ]
    for constraint, columns in impossible:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            _halt(run, **columns)

    _halt(run, ended_at=NOW, ending=HaltEnding.CANCELED, ended_by=ada.user)
    _halt(run)
    with pytest.raises(IntegrityError, match="one_halt_of_a_run_at_a_time"), transaction.atomic():
        _halt(run)
