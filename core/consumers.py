"""Celery tasks that do the work which an event calls for: at least once published, done once.

A message carries two ids. The task locks the message's row, does its work and deletes the row in one transaction: a
second delivery finds nothing, and a worker that dies leaves the row to be published again.
"""

from collections.abc import Callable
from typing import Any

from celery import shared_task

from core import logs
from core.customer_context import acting_for
from core.models import Event, Message


def consumer(name: str) -> Callable[[Callable[[Event], None]], Any]:
    """Make a task of a function that does one event's work inside one transaction, in its customer's context."""

    def decorate(handle: Callable[[Event], None]) -> Any:
        @shared_task(name=name)
        def work(customer_id: int, message_id: int) -> None:
            with acting_for(customer_id):
                message = Message.objects.claim(message_id)
                if message is None:
                    return
                event = Event.objects.get(pk=message.event_id)
                with logs.bind(job=event.job_id, run=event.run_id):
                    handle(event)
                message.delete()

        return work

    return decorate


def slow_consumer(name: str) -> Callable[[Callable[[Event], bool]], Any]:
    """The same for work that must not hold a transaction open, such as mail.

    The function claims what it works on by a lease of its own, and says whether the work is over. Where it is not, the
    message stays and is published again.
    """

    def decorate(handle: Callable[[Event], bool]) -> Any:
        @shared_task(name=name)
        def work(customer_id: int, message_id: int) -> None:
            with acting_for(customer_id):
                message = Message.objects.filter(pk=message_id).first()
                if message is None:
                    return
                event = Event.objects.get(pk=message.event_id)
            with logs.bind(customer=customer_id, job=event.job_id, run=event.run_id):
                over = handle(event)
            if over:
                with acting_for(customer_id):
                    message.delete()

        return work

    return decorate
