"""Celery's way in: each task loads by id and calls one service."""

from celery import shared_task
from django.utils import timezone

from core import idempotency
from core.consumers import consumer
from core.models import Event
from deployments import services


@shared_task(name="deployments.tick")
def tick() -> None:
    """Open the runs that are due."""
    services.tick()


@shared_task(name="deployments.sweep")
def sweep() -> None:
    """Find what was left behind, and forget what has been kept long enough."""
    services.sweep(at=timezone.now())
    idempotency.forget_old()


@consumer("deployments.resolve_run")
def resolve_run(event: Event) -> None:
    """Make a run's host tasks."""
    assert event.run_id is not None  # noqa: S101 - every run.opened carries it
    services.resolve(run_id=event.run_id, at=timezone.now())


@consumer("deployments.start_children")
def start_children(event: Event) -> None:
    """Start the jobs that follow the one whose run has ended."""
    assert event.run_id is not None  # noqa: S101 - every run.completed carries it
    services.start_children(run_id=event.run_id, at=timezone.now())


@consumer("deployments.close_run")
def close_run(event: Event) -> None:
    """End a run whose hosts are done."""
    assert event.run_id is not None  # noqa: S101 - every run.hosts_done carries it
    services.close(run_id=event.run_id, at=timezone.now())


@consumer("deployments.advance_run")
def advance_run(event: Event) -> None:
    """Halt a run in waves, or open its next wave, after hosts of it have ended."""
    assert event.run_id is not None  # noqa: S101 - every run.progressed carries it
    services.advance(run_id=event.run_id, at=timezone.now())


@consumer("deployments.look_again")
def look_again(event: Event) -> None:
    """Have the runs that a calendar may hold back no longer looked at by the next tick."""
    services.look_again(customer_id=event.customer_id)
