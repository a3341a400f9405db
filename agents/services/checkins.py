"""The check-in: an agent says what it holds, and learns what to do and when to ask again."""

import base64
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings

from agents import hints
from agents.contacts import Contact, Sent
from agents.manifests import canonical
from agents.models import Agent, Manifest, Release
from agents.services import contacts, releases
from core import events
from deployments import services as deployments
from deployments.models import HostTask
from deployments.reports import HEARS
from deployments.states import HostTaskState

# An inventory is asked for when the last one is older than this.
SCAN_AGE = timedelta(days=1)
_WAKE_BATCH = 1_000
# So many times as long as a busy agent rests, one waits whose last answer was lost.
_PAUSE = 3


@dataclass(frozen=True, slots=True)
class CheckIn:
    """The answer to a check-in; `manifest` is the envelope of docs/agent-protocol.md or None."""

    poll_seconds: float
    scan: bool = False
    manifest: dict[str, str] | None = None
    drop: list[int] = field(default_factory=list)
    contact: Contact | None = None
    update: Release | None = None


def check_in(
    *,
    agent: Agent,
    fences: Mapping[int, tuple[int, int]],
    boot_id: str,
    version: str,
    at: datetime,
    sent: Sent | None = None,
    protocol: str = "",
) -> CheckIn:
    """Extend the leases of what the agent holds, and hand out what is next.

    `fences` is `{host task: (attempt, fence)}` from the agent's journal. When nothing is due, a hint in Redis answers
    the following check-ins, until work may be due or the hint ends. Raises OutOfOrder, and Copied (see `contacts`);
    `sent` is None of an agent from before tokens were.
    """
    first_since_release = agent.released_at is not None and agent.contact_token is None
    contact = _note_contact(agent, sent, at=at, boot_id=boot_id, version=version, protocol=protocol)
    if first_since_release:
        # Which of the copies had begun it, nobody knows.
        deployments.abandon(asset=agent.asset, at=at, but=fences)
    drop = deployments.heartbeat(asset=agent.asset, fences=dict(fences), at=at)
    scan = agent.asset.scanned_at is None or agent.asset.scanned_at < at - SCAN_AGE
    if contact is not None and contact.again:
        # It may be a copy. If the other one lives, it comes before this one does again, and is known by what it sends.
        return CheckIn(
            poll_seconds=_jittered(_PAUSE * settings.AGENT_BUSY_POLL_SECONDS), scan=scan, drop=drop, contact=contact
        )
    held = HostTask.objects.for_customer(agent.customer_id).filter(asset=agent.asset).held().first()
    if held is None and not fences:
        held = _next(agent, at=at)
    if held is None and not fences:
        return CheckIn(
            poll_seconds=_idle(agent, contact, scan=scan, at=at),
            scan=scan,
            drop=drop,
            contact=contact,
            update=releases.offer(agent=agent, at=at),
        )
    manifest = _envelope(held) if held is not None and held.pk not in fences else None
    return CheckIn(
        poll_seconds=_jittered(settings.AGENT_BUSY_POLL_SECONDS),
        scan=scan,
        manifest=manifest,
        drop=drop,
        contact=contact,
    )


def note_boot(*, agent: Agent, boot_id: str, at: datetime) -> None:
    """Another boot id than the last one says that the machine has restarted."""
    if not boot_id or boot_id == agent.boot_id:
        return
    if agent.boot_id:
        deployments.note_restart(asset=agent.asset, at=at)
    agent.boot_id = boot_id
    agent.save(update_fields=["boot_id"])


def wake(*, run_id: int) -> None:
    """Drop the hints that say of a run's hosts that there is nothing to do for them."""
    waiting = HostTask.objects.filter(run_id=run_id, state=HostTaskState.PENDING).values_list("asset_id", flat=True)
    for asset_ids in _batched(waiting.iterator(chunk_size=_WAKE_BATCH), _WAKE_BATCH):
        hints.forget(asset_ids=asset_ids)


def _note_contact(
    agent: Agent, sent: Sent | None, *, at: datetime, boot_id: str, version: str, protocol: str
) -> Contact | None:
    agent.asset.last_contact_at = at
    agent.asset.save(update_fields=["last_contact_at"])
    told = {"version": version, "protocol": protocol}
    contact = None
    if sent is not None:
        contact = contacts.follow(agent=agent, sent=sent, at=at, **told)
    elif any(getattr(agent, name) != value for name, value in told.items()):
        agent.version, agent.protocol = version, protocol
        agent.save(update_fields=list(told))
    note_boot(agent=agent, boot_id=boot_id, at=at)
    return contact


def _next(agent: Agent, *, at: datetime) -> HostTask | None:
    """Lease the next host task, write its manifest, and ask the signer for a signature."""
    handed_out = deployments.hand_out(asset=agent.asset, at=at)
    if handed_out is None:
        return None
    task = handed_out.task
    manifest = Manifest.objects.create(
        customer_id=agent.customer_id,
        host_task=task,
        attempt=task.attempt,
        text=_text(agent, task, handed_out.steps, at=at),
        created_at=at,
    )
    events.record(kind="manifest.wanted", at=at, data={"manifestId": manifest.pk}, **task.event_ids())
    return task


def _text(agent: Agent, task: HostTask, steps: Any, *, at: datetime) -> str:
    snapshot = task.run.snapshot
    return canonical(
        {
            "format": 1,
            "agentId": str(agent.public_id),
            "hostTaskId": task.pk,
            "attempt": task.attempt,
            "fence": task.fence,
            "jobId": snapshot["jobId"],
            "jobName": snapshot["name"],
            "runId": task.run_id,
            "notBefore": _instant(at),
            "notAfter": _instant(task.deadline),
            # A run that an earlier version of this service resolved has none.
            "conduct": snapshot.get("conduct", {}),
            "hears": list(HEARS),
            "steps": list(steps),
        }
    )


def _envelope(task: HostTask) -> dict[str, str] | None:
    """The signed manifest of a held host task, or None until the signer has been there, or once it has been begun.

    An agent that reported on it and has it no more has lost its journal: how far it got, nobody can say.
    """
    if task.state not in {HostTaskState.LEASED, HostTaskState.RUNNING, HostTaskState.LOST} or task.accepted_through:
        return None
    manifest = (
        Manifest.objects.for_customer(task.customer_id)
        .select_related("signing_key")
        .filter(host_task=task, attempt=task.attempt, signature__isnull=False)
        .first()
    )
    if manifest is None or manifest.signing_key is None or manifest.signature is None:
        return None
    return {
        "manifest": manifest.text,
        "keyId": str(manifest.signing_key.public_id),
        "signature": base64.b64encode(bytes(manifest.signature)).decode(),
    }


def _idle(agent: Agent, contact: Contact | None, *, scan: bool, at: datetime) -> float:
    """Seconds until the next check-in, and a hint for as long, so that it costs no SQL should it come early."""
    waits = [settings.AGENT_IDLE_POLL_SECONDS]
    coming = deployments.next_start(asset=agent.asset, after=at)
    if coming is not None:
        waits.append(max((coming - at).total_seconds(), settings.AGENT_BUSY_POLL_SECONDS))
    if not scan:
        token = contact.token if contact is not None else ""
        digest = agent.credential_digest
        hints.remember_idle(digest=digest, asset_id=agent.asset_id, seconds=min(waits), token=token)
    return _jittered(min(waits))


def _jittered(seconds: float) -> float:
    """A little more, at random, so that a fleet that started together does not stay together."""
    return round(seconds * random.uniform(1.0, 1.2), 3)  # noqa: S311 - spreads load, guards nothing


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _batched(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """Lists of at most `size`."""
    iterator = iter(numbers)
    while batch := list(islice(iterator, size)):
        yield batch
