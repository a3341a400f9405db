"""What the service says once all is quiet: rows by the ORM in each customer's context, counts by REST."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from chaos.processes import ledger
from chaos.processes.checks import Evidence, Run, Step, Task
from chaos.processes.load import Load
from chaos.processes.world import LEASE, NEW, Customer, World
from core.customer_context import acting_for, scheduling
from core.models import Event, Message
from demo.hosts import history
from deployments import models

# Nothing may stand still for longer: twice the lease, and what an agent rests after troubles.
STILL_SECONDS = 2 * LEASE + 48.0
_JUST_NOW = timedelta(seconds=5)


def wait_quiet(world: World, *, seconds: float) -> float:
    """Return when all has ended, or nothing has moved for too long; how many seconds it took."""
    began = moved = time.monotonic()
    before: object = None
    while time.monotonic() - began < seconds:
        try:
            now, over = _standing(world)
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.5)
            continue
        if over:
            break
        if now != before:
            before, moved = now, time.monotonic()
        elif time.monotonic() - moved > STILL_SECONDS:
            break
        time.sleep(0.5)
    return time.monotonic() - began


def _standing(world: World) -> tuple[object, bool]:
    """Something that changes with every move, and whether all has ended."""
    tasks: list[Any] = []
    runs: list[Any] = []
    events = 0
    for customer in world.customers:
        with acting_for(customer.pk):
            tasks += models.HostTask.objects.open().values_list("pk", "state", "accepted_through").order_by("pk")
            runs += models.Run.objects.open().values_list("pk", "state").order_by("pk")
            events += Event.objects.count()
    messages = _messages()
    return (tasks, runs, events, len(messages)), not tasks and not runs and not messages


def _messages() -> list[Any]:
    with scheduling():
        return list(Message.objects.values_list("pk", "task"))


def gather(world: World, loads: Sequence[Load]) -> Evidence:
    """Everything that the checks compare. Jobs go on starting by time: what started just now, or later, is left out."""
    ended = datetime.now(UTC) - _JUST_NOW
    evidence = Evidence(lines=list(ledger.read(world.ledger)))
    for load in loads:
        evidence.asked.update(load.asked)
    evidence.outbox = [f"{task} #{pk}" for pk, task in _messages()]
    for customer in world.customers:
        evidence.children |= customer.children
        for job, (start, every) in customer.scheduled.items():
            evidence.scheduled[job] = _starts(start, every, ended)
        with acting_for(customer.pk):
            _add_rows(evidence, customer, ended)
        for agent in customer.machines.values():
            evidence.configured += [
                (agent.host.name, f"{line.split()[1]} {line.split()[2]}") for line in history(agent.host)
            ]
    return evidence


def _starts(start: datetime, every: Any, ended: datetime) -> list[datetime]:
    starts = []
    while start <= ended:
        starts.append(start)
        if every is None:
            break
        start += every
    return starts


def _add_rows(evidence: Evidence, customer: Customer, ended: datetime) -> None:
    counted = models.Run.objects.exclude(trigger="schedule", scheduled_for__gt=ended)
    for run in counted.select_related("job").order_by("pk"):
        job = str(run.job.public_id)
        told = customer.client.get(f"/pm/v1/deploymentjob/{job}/runs/{run.instance}")
        counts = told["counts"]
        evidence.runs.append(
            Run(run.pk, job, run.instance, run.trigger, run.state, run.parent_run_id, run.scheduled_for, counts)
        )
    for task in models.HostTask.objects.filter(run__in=counted).select_related("asset"):
        evidence.tasks.append(Task(task.pk, task.run_id, task.asset.name, task.state))
    for step in models.Step.objects.filter(host_task__run__in=counted).select_related("patch"):
        name = f"{step.patch.package} {NEW}" if step.patch and step.reason == "done" else ""
        evidence.steps.append(
            Step(step.host_task_id, step.attempt, step.number, step.kind, step.state, step.reason, name)
        )
    kinds = Event.objects.filter(run_id__isnull=False, kind__startswith="run.")
    evidence.events += kinds.values_list("run_id", "kind")
