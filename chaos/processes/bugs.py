"""Mistakes that the service might have, put in on purpose. Those of agents are in chaos.processes.agent."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from celery import current_app, shared_task
from django.db.models import F
from django.db.models.functions import Now

from core import consumers, events, idempotency, logs, relay
from core.customer_context import acting_for, scheduling
from core.models import Event, Message
from deployments.due import GRACE
from deployments.models import HostTask, Job, Run, TimezoneType
from deployments.reasons import Reason
from deployments.services import children, host_tasks, sweeps, ticks
from deployments.states import HostTaskState

# A process is killed at a random moment: the gap that a mistake leaves is made wide enough to be hit in minutes.
_GAP_SECONDS = 1.0


def replace(old: Any, new: Any) -> None:
    """Put `new` wherever a module of the service has `old`."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"core", "deployments", "agents"}:
            for attribute, value in list(vars(module).items()):
                if value is old:
                    setattr(module, attribute, new)


def advance_before_insert() -> None:
    """The jobs' next starts are committed first, and the runs are stored after that."""
    settle_some = ticks._settle_some

    def settle(limit: int, *, late: bool) -> int:
        kept: list[Any] = []
        create, tell = Run.objects.bulk_create, ticks.tell
        Run.objects.bulk_create, ticks.tell = kept.append, lambda _: None  # type: ignore[method-assign,assignment]
        try:
            made = settle_some(limit, late=late)
        finally:
            Run.objects.bulk_create, ticks.tell = create, tell  # type: ignore[method-assign]
        if made:
            time.sleep(_GAP_SECONDS)
        with scheduling():
            for some in kept:
                Run.objects.bulk_create(some)
                ticks.tell(some)
        return made

    ticks._settle_some = settle


def insert_before_advance() -> None:
    """Runs are committed first, and the jobs' next starts after that."""

    def settle(limit: int, *, late: bool) -> int:
        with scheduling():
            due = Job.objects.exclude(timezone_type=TimezoneType.AGENT)
            jobs = list(due.due(limit, late=late, after=GRACE).annotate(now=Now()).only(*ticks.COLUMNS))
            opened = [run for job in jobs for run in ticks.runs_of(job, ticks.settle_due(job), at=job.now)]
            Run.objects.bulk_create(opened)
            ticks.tell(opened)
        if opened:
            time.sleep(_GAP_SECONDS)
        with scheduling():
            Job.objects.bulk_update(jobs, ticks.CHANGED)
        return len(opened)

    ticks._settle_some = settle


def publish_before_commit() -> None:
    """Whoever records an event publishes its messages at once; the relay does not look after them."""
    record_many = events.record_many

    def record(written: Any) -> Any:
        made = record_many(written)
        ids = [event.pk for event in made]
        messages = list(Message.objects.filter(event_id__in=ids)) if ids else []
        Message.objects.filter(pk__in=[one.pk for one in messages]).update(due_at=Now() + timedelta(days=1))
        for message in messages:
            current_app.send_task(message.task, args=[message.customer_id, message.pk])
        return made

    replace(record_many, record)


def forget_before_publishing() -> None:
    """The relay takes a message off its list, and publishes it after that."""

    def publish_due() -> int:
        with scheduling():
            due = list(Message.objects.due(relay.BATCH))
            ids = [message.pk for message in due]
            Message.objects.filter(pk__in=ids).update(due_at=Now() + timedelta(days=1), attempts=F("attempts") + 1)
        if due:
            time.sleep(_GAP_SECONDS)
        for message in due:
            current_app.send_task(message.task, args=[message.customer_id, message.pk])
        return len(due)

    relay.publish_due = publish_due


def acknowledge_early() -> None:
    """A message is done once a worker has taken it, and its work comes after that."""

    def decorate_as(name: str) -> Callable[[Any], Any]:
        def decorate(handle: Any) -> Any:
            def work(customer_id: int, message_id: int) -> None:
                with acting_for(customer_id):
                    message = Message.objects.claim(message_id)
                    if message is None:
                        return
                    event = Event.objects.get(pk=message.event_id)
                    message.delete()
                time.sleep(_GAP_SECONDS)
                with acting_for(customer_id), logs.bind(job=event.job_id, run=event.run_id):
                    handle(event)

            return shared_task(name=name)(work)

        return decorate

    # Tasks are made when Celery looks for them, which is later.
    consumers.consumer = decorate_as


def hand_out_again() -> None:
    """A lost host's work is handed out anew under another number, and its fence is not looked at."""
    handed_out, take = host_tasks.hand_out, host_tasks.take_reports

    def hand_out(*, asset: Any, at: Any) -> Any:
        lost = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset, state=HostTaskState.LOST)
        lost.update(state=HostTaskState.PENDING, lease_until=None, start_before=F("deadline"))
        return handed_out(asset=asset, at=at)

    def take_reports(*, asset: Any, task_id: int, attempt: int, fence: int, reports: Any, at: Any) -> Any:
        task = HostTask.objects.for_customer(asset.customer_id).filter(pk=task_id).first()
        if task is not None and (attempt, fence) != (task.attempt, task.fence):
            return max(report.sequence for report in reports)
        return take(asset=asset, task_id=task_id, attempt=attempt, fence=fence, reports=reports, at=at)

    replace(handed_out, hand_out)
    replace(take, take_reports)


def lost_is_failed() -> None:
    """A host that is silent for longer than its lease counts as failed, while its agent may be at work."""

    def lose(*, customer_id: int, ids: list[int], at: Any) -> None:
        with acting_for(customer_id):
            for task in sweeps._locked(ids).filter(state__in=sweeps._LEASED, lease_until__lte=at):
                host_tasks.end(task, state=HostTaskState.FAILED, reason=Reason.PRE_ACTION_FAILED, at=at)

    sweeps._lose = lose


def ignore_idempotency_keys() -> None:
    """A request that comes again is done again."""
    idempotency.idempotent = lambda post: post


def children_untied() -> None:
    """Children do not say which run started them, so nobody can tell that they were started."""
    opened = children._open

    def open_untied(child: Any, run: Any, *, at: Any) -> Any:
        made = opened(child, run, at=at)
        Run.objects.filter(pk=made.pk).update(parent_run=None)
        return made

    children._open = open_untied


BUGS: Mapping[str, Callable[[], None]] = {
    "advance-before-insert": advance_before_insert,
    "insert-before-advance": insert_before_advance,
    "publish-before-commit": publish_before_commit,
    "forget-before-publishing": forget_before_publishing,
    "acknowledge-early": acknowledge_early,
    "hand-out-again": hand_out_again,
    "lost-is-failed": lost_is_failed,
    "ignore-idempotency-keys": ignore_idempotency_keys,
    "children-untied": children_untied,
}
