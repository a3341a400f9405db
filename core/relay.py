"""The relay: reads the outbox and publishes. The only one that does, so no request ever waits for a broker."""

import logging
import time
from collections.abc import Callable

from celery import current_app
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError

from core.customer_context import scheduling
from core.models import Message

log = logging.getLogger(__name__)

BATCH = 500
_IDLE_SECONDS = 0.2
_TROUBLE_SECONDS = 1.0


def publish_due() -> int:
    """Publish what is due, and set when it is due again should nobody do the work. Returns how many.

    Published inside the transaction: a crash in between publishes twice, which consumers bear; the other order would
    leave work waiting for its next turn.
    """
    with scheduling():
        due = list(Message.objects.due(BATCH))
        for message in due:
            current_app.send_task(message.task, args=[message.customer_id, message.pk])
        for message in due:
            Message.objects.filter(pk=message.pk).update(due_at=Now() + message.wait(), attempts=F("attempts") + 1)
        return len(due)


def run(*, stopped: Callable[[], bool]) -> None:
    """Publish until told to stop; a broker or database that is away is waited for."""
    while not stopped():
        try:
            published = publish_due()
        except (BrokerError, DatabaseError, OSError) as trouble:
            log.warning("relay waits: %s", trouble)
            close_old_connections()
            time.sleep(_TROUBLE_SECONDS)
            continue
        if published < BATCH:
            time.sleep(_IDLE_SECONDS)
