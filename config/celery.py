"""The Celery application, and the whole of beat's table: our own ticks, never a user's schedule."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.conf import settings

from config.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("patch-deployment")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    # A hung broker must not hold a publisher for the 45 s that are the default.
    broker_transport_options={
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "retry_policy": {"timeout": 2},
        "visibility_timeout": 300,
    },
    task_publish_retry=False,
    task_ignore_result=True,
    task_routes=settings.TASK_ROUTES,
    task_default_queue="orchestrate",
    # Messages are hints: a lost one is published again from its row, so the early acknowledgement is the cheap one.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "tick": {
            "task": "deployments.tick",
            "schedule": settings.TICK_SECONDS,
            "options": {"expires": 30},
        },
        "sweep": {
            "task": "deployments.sweep",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"expires": 30},
        },
        "sweep calendars": {
            "task": "calendars.sweep",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"expires": 30},
        },
        "sweep reports": {
            "task": "reports.sweep",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"expires": 30},
        },
        "sweep tags": {
            "task": "inventory.sweep_tags",
            "schedule": settings.SWEEP_SECONDS,
            "options": {"expires": 30},
        },
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """Keep Celery from replacing the JSON logging that Django's settings set up."""


@worker_init.connect
def check_before_work(**_: Any) -> None:
    """A worker with unsafe settings does not start."""
    refuse_unsafe_start()
