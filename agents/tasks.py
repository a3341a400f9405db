"""Celery's way in: the signer's two tasks, and the waking of agents."""

from agents import services
from core.consumers import consumer
from core.models import Event


@consumer("agents.create_signing_key")
def create_signing_key(event: Event) -> None:
    """Make a new customer's key."""
    services.create_signing_key(customer_id=event.customer_id)


@consumer("agents.sign_manifest")
def sign_manifest(event: Event) -> None:
    """Sign what a host is to be told."""
    services.sign_manifest(manifest_id=event.data["manifestId"])


@consumer("agents.wake")
def wake(event: Event) -> None:
    """Let the agents of a run's hosts find their work."""
    assert event.run_id is not None  # noqa: S101 - every run.started carries it
    services.wake(run_id=event.run_id)
