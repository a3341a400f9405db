"""A host's share of a run: handed out once, reported once, ended once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from core.customer_context import acting_for
from core.models import Event
from deployments import services
from deployments.models import HostTask, Job, Run, Step
from deployments.outcomes import outcome
from deployments.reports import AnyReport
from inventory.models import Asset, AssetPatch
from tests import factories
from tests.factories import NOW, Person, later

LEASE = timedelta(seconds=120)
_REPORT: TypeAdapter[Any] = TypeAdapter(AnyReport)


def _run(ada: Person, *hosts: Asset, minutes: int = 60, start: Any = NOW, **changes: Any) -> Run:
    """A resolved run of a script, or of what `changes` say."""
    work = {} if "approvedPatches" in changes else {"preDeployActions": [factories.script()]}
    job = factories.job(
        ada, assetIds=[str(host.public_id) for host in hosts], timeout=minutes, timeoutUnit="MINUTES", **work | changes
    )
    run = services.open_run(job=services.lock(job), trigger="user", scheduled_for=start, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)
    return Run.objects.get(pk=run.pk)


def _reports(*told: dict[str, Any], first: int = 1) -> list[Any]:
    return [
        _REPORT.validate_python({"sequence": number, "at": NOW.isoformat()} | one)
        for number, one in enumerate(told, start=first)
    ]


def _scan(*packages: tuple[str, str], updates: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    machine = {"name": "host", "platform": "Linux", "packageManager": "apt"}
    found = [{"name": name, "version": version, "architecture": "all"} for name, version in packages]
    scan = {"at": NOW.isoformat(), "machine": machine, "packages": found, "updates": list(updates)}
    return {"kind": "scanned", "scan": scan}


def _take(task: HostTask, reports: Sequence[Any], *, at: Any = NOW, fence: int = 1) -> int | None:
    return services.take_reports(asset=task.asset, task_id=task.pk, attempt=1, fence=fence, reports=reports, at=at)


def _handed(asset: Asset, at: Any = NOW) -> HostTask:
    handed_out = services.hand_out(asset=asset, at=at)
    assert handed_out is not None
    return handed_out.task


def _now(task: HostTask) -> tuple[str, str]:
    state, reason = HostTask.objects.values_list("state", "reason").get(pk=task.pk)
    return state, reason


ACCEPTED = {"kind": "accepted"}
FINISHED = {"kind": "finished"}
DONE = {"kind": "step_finished", "state": "succeeded", "reason": "done"}


# --- handing out ------------------------------------------------------------------------------------------------------


def test_hand_out__oldest_start_first__one_at_a_time(ada: Person) -> None:
    host = factories.asset(ada.customer)
    later_run = _run(ada, host, start=NOW - timedelta(minutes=1))
    first_run = _run(ada, host, start=NOW - timedelta(minutes=2))

    first, second = services.hand_out(asset=host, at=NOW), services.hand_out(asset=host, at=NOW)

    assert first is not None
    assert second is None
    assert first.task.run_id == first_run.pk
    _take(first.task, _reports(ACCEPTED, {**DONE, "number": 1}, {**DONE, "number": 2}, FINISHED))
    assert _handed(host).run_id == later_run.pk


def test_hand_out__leased__has_attempt_fence_lease_and_steps(ada: Person) -> None:
    host = factories.asset(ada.customer)
    patch = factories.patch(ada.customer)
    factories.missing(patch, host)
    _run(
        ada,
        host,
        approvedPatches=[str(patch.public_id)],
        preDeployActions=[factories.script("before")],
        postDeployActions=[factories.script("after")],
    )

    handed_out = services.hand_out(asset=host, at=NOW)

    assert handed_out is not None
    task = HostTask.objects.get(pk=handed_out.task.pk)
    assert (task.state, task.attempt, task.fence, task.lease_until) == ("Leased", 1, 1, NOW + LEASE)
    assert [(step["number"], step["kind"], step.get("stage")) for step in handed_out.steps] == [
        (1, "action", "pre"),
        (2, "patch", None),
        (3, "action", "post"),
        (4, "scan", None),
    ]
    assert handed_out.steps[1] == {
        "number": 2,
        "kind": "patch",
        "operation": "install",
        "patchId": str(patch.public_id),
        "package": "acme-app",
        "architecture": "all",
        "version": "2.0",
        "from": "1.0",
        "title": "acme-app 2.0",
    }
    rows = Step.objects.filter(host_task=task).order_by("number")
    assert [(row.title, row.state) for row in rows] == [
        ("before", "Pending"),
        ("acme-app 2.0", "Pending"),
        ("after", "Pending"),
        ("closing scan", "Pending"),
    ]


def test_hand_out__only_what_concerns_this_host__is_told(ada: Person) -> None:
    host, bare = factories.asset(ada.customer), factories.asset(ada.customer, scanned_at=None)
    wanted, there, never = (factories.patch(ada.customer, name) for name in ("wanted", "there", "never"))
    factories.missing(wanted, host)
    factories.installed(there, host)
    _run(ada, host, bare, approvedPatches=[str(one.public_id) for one in (wanted, there, never)])

    told = {
        asset: [step["package"] for step in services.hand_out(asset=asset, at=NOW).steps if step["kind"] == "patch"]
        for asset in (host, bare)
    }

    # Nothing is known of a machine that was never scanned: it finds out itself.
    assert told == {host: ["wanted"], bare: ["wanted", "there", "never"]}


@pytest.mark.parametrize(
    ("after", "handed"),
    [
        (timedelta(minutes=9, seconds=59), False),
        (timedelta(minutes=10), True),
        (timedelta(minutes=69, seconds=59), True),
        (timedelta(minutes=70), False),
    ],
)
def test_hand_out__only_between_start_and_deadline(ada: Person, after: timedelta, handed: bool) -> None:
    host = factories.asset(ada.customer)
    _run(ada, host, start=later(minutes=10))

    assert (services.hand_out(asset=host, at=NOW + after) is not None) is handed
    coming = later(minutes=10) if after < timedelta(minutes=10) else None
    assert services.next_start(asset=host, after=NOW + after) == coming


@pytest.mark.parametrize("state", ["Paused", "Halted"])
def test_hand_out__run_that_stands_still__gives_nothing(ada: Person, state: str) -> None:
    host = factories.asset(ada.customer)
    run = _run(ada, host)
    Run.objects.filter(pk=run.pk).update(state=state)

    assert services.hand_out(asset=host, at=NOW) is None


def test_hand_out__six_check_ins_at_once__give_one_lease(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    with acting_for(ada.customer.pk):
        _run(ada, host)
        _run(ada, host)

    def ask() -> int | None:
        with acting_for(ada.customer.pk):
            handed_out = services.hand_out(asset=host, at=NOW)
            return handed_out and handed_out.task.pk

    found = factories.at_once(ask, threads=6)

    assert sum(one is not None for one in found) == 1, found
    with acting_for(ada.customer.pk):
        assert HostTask.objects.held().count() == 1
        assert Event.objects.filter(kind="host_task.leased").count() == 1
        assert Step.objects.count() == 2


# --- reports ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(ada: Person) -> HostTask:
    """One patch, leased."""
    host = factories.asset(ada.customer)
    patch = factories.patch(ada.customer)
    factories.missing(patch, host)
    _run(ada, host, approvedPatches=[str(patch.public_id)])
    return _handed(host)


STORY = [ACCEPTED, {**DONE, "number": 1, "fromVersion": "1.0", "toVersion": "2.0"}, _scan(("acme-app", "2.0")),
         {**DONE, "number": 2}, FINISHED]  # fmt: skip


def test_take_reports__whole_story__is_verified_and_ended(task: HostTask) -> None:
    assert _take(task, _reports(*STORY)) == 5

    step = Step.objects.get(number=1)
    assert _now(task) == ("Succeeded", "verified")
    assert (step.state, step.verified, step.from_version, step.to_version) == ("Succeeded", True, "1.0", "2.0")
    ended = HostTask.objects.get(pk=task.pk)
    assert (ended.finished_at, ended.lease_until, ended.accepted_through) == (NOW, None, 5)
    assert Event.objects.filter(kind="host_task.succeeded").count() == 1
    assert Event.objects.filter(kind="run.hosts_done").count() == 1


def test_take_reports__again_and_overlapping__count_once(task: HostTask) -> None:
    reports = _reports(*STORY)

    accepted = [_take(task, batch) for batch in (reports[:2], reports[:2], reports[:4], reports[1:], reports)]

    assert accepted == [2, 2, 4, 5, 5]
    assert Event.objects.filter(kind="host_task.succeeded").count() == 1
    assert Event.objects.filter(kind="host_task.running").count() == 1


def test_take_reports__gap__says_from_where_to_send_again(task: HostTask) -> None:
    reports = _reports(*STORY)
    _take(task, reports[:2])

    with pytest.raises(services.Gap) as gap:
        _take(task, reports[3:])

    assert gap.value.accepted_through == 2
    assert _now(task) == ("Running", "")


@pytest.mark.parametrize("changes", [{"fence": 2}, {"fence": 0}])
def test_take_reports__other_fence__is_nobodys(task: HostTask, changes: dict[str, int]) -> None:
    assert _take(task, _reports(*STORY), **changes) is None
    assert _now(task) == ("Leased", "")


def test_take_reports__other_machine__is_nobodys(ada: Person, task: HostTask) -> None:
    other = factories.asset(ada.customer)

    found = services.take_reports(asset=other, task_id=task.pk, attempt=1, fence=1, reports=_reports(*STORY), at=NOW)

    assert found is None


def test_take_reports__each_batch__prolongs_the_lease(task: HostTask) -> None:
    _take(task, _reports(ACCEPTED), at=later(minutes=1))

    assert HostTask.objects.get(pk=task.pk).lease_until == later(minutes=1) + LEASE


def test_take_reports__claimed_but_not_shown_by_the_scan__failed(task: HostTask) -> None:
    story = [*STORY]
    story[2] = _scan(
        ("acme-app", "1.0"),
        updates=[{"package": "acme-app", "architecture": "all", "fromVersion": "1.0", "toVersion": "2.0"}],
    )

    _take(task, _reports(*story))

    assert _now(task) == ("Failed", "not_verified")
    assert Step.objects.get(number=1).verified is False


def test_take_reports__no_closing_scan__is_not_believed(task: HostTask) -> None:
    _take(task, _reports(STORY[0], STORY[1], FINISHED))

    assert _now(task) == ("Failed", "not_verified")


def test_take_reports__refused_manifest__failed(task: HostTask) -> None:
    _take(task, _reports({"kind": "refused", "reason": "bad_signature"}))

    assert _now(task) == ("Failed", "manifest_refused")


def test_take_reports__late_ones__are_taken_in_and_change_no_end(task: HostTask) -> None:
    services.sweep(at=task.deadline + LEASE)
    ended = _now(task)

    accepted = _take(task, _reports(*STORY), at=task.deadline + LEASE)

    assert (ended, accepted) == (("TimedOut", "window_over"), 5)
    assert _now(task) == ended
    assert Step.objects.get(number=1).state == "Succeeded"
    assert AssetPatch.objects.get().status == "Installed"


def test_take_reports__raced_by_threads__end_once(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    with acting_for(ada.customer.pk):
        _run(ada, host)
        task = _handed(host)

    def report() -> int | None:
        with acting_for(ada.customer.pk):
            return _take(task, _reports(ACCEPTED, {**DONE, "number": 1}, {**DONE, "number": 2}, FINISHED))

    assert factories.at_once(report, threads=4) == [4] * 4
    with acting_for(ada.customer.pk):
        assert _now(task) == ("Succeeded", "verified")
        assert Event.objects.filter(kind="host_task.succeeded").count() == 1


def test_abandon__held_work_of_a_replaced_agent__failed(task: HostTask) -> None:
    services.abandon(asset=task.asset, at=NOW)

    assert _now(task) == ("Failed", "agent_reinstalled")


def test_heartbeat__known_and_unknown__prolongs_and_drops(task: HostTask) -> None:
    drop = services.heartbeat(asset=task.asset, fences={task.pk: (1, 1), 10**9: (1, 1)}, at=later(seconds=30))

    assert drop == [10**9]
    assert HostTask.objects.get(pk=task.pk).lease_until == later(seconds=30) + LEASE
    assert services.heartbeat(asset=task.asset, fences={task.pk: (1, 2)}, at=NOW) == [task.pk]


def test_heartbeat__lost_one_comes_back__runs_again(task: HostTask) -> None:
    services.sweep(at=later(minutes=5))
    lost = _now(task)

    services.heartbeat(asset=task.asset, fences={task.pk: (1, 1)}, at=later(minutes=6))

    assert (lost[0], _now(task)[0]) == ("Lost", "Running")


# --- what the steps add up to -----------------------------------------------------------------------------------------


def _step(kind: str, state: str, *, reason: str = "", verified: bool | None = None) -> Step:
    stage = {"pre": "predeploy", "post": "postdeploy"}.get(kind, "")
    return Step(kind="action" if stage else kind, stage=stage, state=state, reason=reason, verified=verified)


GOOD_PATCH, SCAN = ("patch", "Succeeded", "done", True), ("scan", "Succeeded", "done", None)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([GOOD_PATCH, SCAN], ("Succeeded", "verified")),
        ([("pre", "Succeeded"), GOOD_PATCH, ("post", "Succeeded"), SCAN], ("Succeeded", "verified")),
        ([("pre", "Succeeded"), SCAN], ("Succeeded", "verified")),
        ([("patch", "NotApplicable", "already_installed", True), SCAN], ("NotApplicable", "no_patch_applied")),
        ([("patch", "Skipped"), ("patch", "NotApplicable"), SCAN], ("NotApplicable", "no_patch_applied")),
        ([("patch", "NotApplicable"), GOOD_PATCH, SCAN], ("Succeeded", "verified")),
        ([("patch", "Succeeded", "done", False), SCAN], ("Failed", "not_verified")),
        ([("patch", "Succeeded", "done", None), SCAN], ("Failed", "not_verified")),
        ([GOOD_PATCH, ("patch", "Failed", "nonzero_exit"), SCAN], ("Failed", "patch_failed")),
        ([("patch", "Interrupted", "interrupted", True), SCAN], ("Failed", "patch_failed")),
        ([("pre", "Failed"), ("patch", "Skipped", "earlier_step_failed"), SCAN], ("Failed", "pre_action_failed")),
        ([("pre", "Interrupted"), ("patch", "Skipped"), SCAN], ("Failed", "pre_action_failed")),
        ([("pre", "Failed"), ("patch", "Skipped", "window_over"), SCAN], ("Failed", "pre_action_failed")),
        ([GOOD_PATCH, ("patch", "Skipped", "window_over"), SCAN], ("TimedOut", "window_over")),
        ([("patch", "Failed", "nonzero_exit"), ("patch", "Skipped", "window_over")], ("TimedOut", "window_over")),
        ([GOOD_PATCH, ("post", "Failed"), SCAN], ("Failed", "post_action_failed")),
        ([("patch", "Failed"), ("post", "Failed"), SCAN], ("Failed", "patch_failed")),
        ([GOOD_PATCH, ("post", "Pending")], ("Failed", "not_verified")),
        ([GOOD_PATCH, ("scan", "Running")], ("Failed", "not_verified")),
    ],
)
def test_outcome__of_these_steps__is_one_state_and_reason(
    steps: list[tuple[Any, ...]], expected: tuple[str, str]
) -> None:
    made = [
        _step(kind, state, reason=(*rest, "", None)[0], verified=(*rest, "", None)[1] if len(rest) > 1 else None)
        for kind, state, *rest in steps
    ]

    assert outcome(made) == expected


# --- the sweep --------------------------------------------------------------------------------------------------------


def test_sweep__lease_that_ran_out__is_lost_and_not_failed(task: HostTask) -> None:
    services.sweep(at=NOW + LEASE - timedelta(seconds=1))
    before = _now(task)
    services.sweep(at=NOW + LEASE)

    assert (before, _now(task)) == (("Leased", ""), ("Lost", ""))
    assert Event.objects.filter(kind="host_task.lost").count() == 1
    # What it holds may still be at work there.
    assert services.hand_out(asset=task.asset, at=NOW + LEASE) is None


def test_sweep__deadline_of_held_work__times_out_after_a_grace(task: HostTask) -> None:
    _take(task, _reports(ACCEPTED), at=task.deadline)
    services.sweep(at=task.deadline + timedelta(seconds=1))
    before = _now(task)
    services.sweep(at=task.deadline + LEASE)

    assert (before, _now(task)) == (("Running", ""), ("TimedOut", "window_over"))


def test_sweep__deadline_of_waiting_work__is_missed_and_the_run_ends(ada: Person) -> None:
    host, other = factories.asset(ada.customer), factories.asset(ada.customer)
    run = _run(ada, host, other)

    services.sweep(at=run.deadline)

    run.refresh_from_db()
    assert set(run.host_tasks.values_list("state", "reason")) == {("Missed", "never_came")}
    assert (run.state, run.reason, run.counts) == ("Completed", "done", {"Missed": 2})
    assert Event.objects.filter(kind="run.completed").count() == 1


def test_sweep__nothing_to_do__changes_nothing(ada: Person) -> None:
    _run(ada, factories.asset(ada.customer))
    before = Event.objects.count()

    services.sweep(at=NOW)

    assert Event.objects.count() == before


def test_sweep__two_customers__each_in_its_own_context(committed: None) -> None:
    people = [factories.person(customer=factories.customer()) for _ in range(2)]
    runs = {}
    for ada in people:
        host = factories.asset(ada.customer)
        with acting_for(ada.customer.pk):
            runs[ada.customer.pk] = _run(ada, host)

    factories.at_once(lambda: services.sweep(at=runs[people[0].customer.pk].deadline), threads=3)

    for customer_id, run in runs.items():
        with acting_for(customer_id):
            assert Run.objects.get(pk=run.pk).state == "Completed"
            assert Event.objects.filter(kind="run.completed").count() == 1


# --- the end of a run -------------------------------------------------------------------------------------------------


def test_close__last_two_end_at_once__ends_once_with_the_counts_of_its_rows(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = [factories.asset(ada.customer) for _ in range(2)]
    with acting_for(ada.customer.pk):
        run = _run(ada, *hosts)
        tasks = [_handed(host) for host in hosts]

    def end(task: HostTask) -> None:
        bad = {**DONE, "number": 1, "state": "failed", "reason": "nonzero_exit"}
        step = {**DONE, "number": 1} if task == tasks[0] else bad
        with acting_for(ada.customer.pk):
            _take(task, _reports(ACCEPTED, step, {**DONE, "number": 2}, FINISHED))

    def close() -> None:
        with acting_for(ada.customer.pk):
            services.close(run_id=run.pk, at=NOW)

    assert factories.at_once(end, *tasks) == [None, None]
    # Each may have seen the other open; then only the sweep knows.
    assert factories.at_once(lambda work: work(), close, close, lambda: services.sweep(at=NOW)) == [None] * 3

    with acting_for(ada.customer.pk):
        ended = Run.objects.get(pk=run.pk)
        assert (ended.state, ended.reason) == ("Completed", "done")
        assert ended.counts == services.count_host_tasks(ended) == {"Succeeded": 1, "Failed": 1}
        event = Event.objects.get(kind="run.completed")
        assert (event.data["counts"], event.data["hosts"]) == (ended.counts, 2)


def test_close__hosts_still_at_work__leaves_it_alone(task: HostTask) -> None:
    services.close(run_id=task.run_id, at=NOW)

    assert Run.objects.get().state == "Running"


def test_delete__while_a_host_works__waits_for_it_and_cancels_the_rest(ada: Person) -> None:
    working, waiting = factories.asset(ada.customer), factories.asset(ada.customer)
    run = _run(ada, working, waiting)
    task = _handed(working)

    gone = services.delete(job=run.job, user=ada.user, at=NOW)

    assert gone is False
    assert set(run.host_tasks.values_list("asset_id", "state")) == {(working.pk, "Leased"), (waiting.pk, "Canceled")}
    _take(task, _reports(ACCEPTED, {**DONE, "number": 1}, {**DONE, "number": 2}, FINISHED))
    services.close(run_id=run.pk, at=NOW)
    assert Job.objects.get().state == "Deleted"
    assert Run.objects.get().counts == {"Succeeded": 1, "Canceled": 1}


def test_delete__while_the_last_host_ends__goes_whoever_was_first(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    for _ in range(3):
        with acting_for(ada.customer.pk):
            run = _run(ada, host)
            _take(_handed(host), _reports(ACCEPTED, {**DONE, "number": 1}, {**DONE, "number": 2}, FINISHED))

        def close(run: Run = run) -> None:
            with acting_for(ada.customer.pk):
                services.close(run_id=run.pk, at=NOW)

        def delete(run: Run = run) -> None:
            with acting_for(ada.customer.pk):
                services.delete(job=run.job, user=ada.user, at=NOW)

        assert factories.at_once(lambda work: work(), close, delete) == [None, None]

        with acting_for(ada.customer.pk):
            assert Job.objects.get(pk=run.job_id).state == "Deleted"
            assert Run.objects.get(pk=run.pk).state == "Completed"
            assert Event.objects.filter(kind="run.completed", run_id=run.pk).count() == 1


def test_delete__run_not_yet_resolved__is_canceled(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = factories.job(ada, assetIds=[str(host.public_id)], preDeployActions=[factories.script()], status="Enabled")

    assert services.delete(job=job, user=ada.user, at=NOW) is True

    run = Run.objects.get()
    assert (run.state, run.reason) == ("Canceled", "job_deleted")
    services.resolve(run_id=run.pk, at=NOW)
    assert not HostTask.objects.exists()
