"""An agent's check-ins follow each other; where two follow the same one, both are stopped until a person decides."""

import hashlib
import hmac
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from agents import hints
from agents.contacts import Contact, Held, Sent, Verdict, after, judge
from agents.models import Agent
from core import events
from core.errors import QUARANTINED, Conflict, NotPermitted
from deployments import services as deployments
from tenants.models import User

_TRIES = 5


class OutOfOrder(Conflict):
    """409: this token was followed already. `prove` is to be sent back, which a repeated old request cannot do."""

    def __init__(self, prove: str) -> None:
        super().__init__("This token was followed by another check-in already. Ask again with contact.proof.")
        self.prove = prove


class Copied(Exception):
    """Two of one name run: whoever caught this calls `quarantine`, in a transaction that stays."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Quarantined(NotPermitted):
    """403 with a code of its own: nothing is answered until an administrator has decided."""

    error_code = QUARANTINED
    default_message = (
        "Two copies of this agent ran. It gets no work until an administrator has released or revoked it: "
        "/pm/v1/agents."
    )


def follow(*, agent: Agent, sent: Sent, at: datetime, **changes: Any) -> Contact:
    """Take a check-in for the next one, and give it its successor's token; `changes` are written along with it.

    Raises OutOfOrder where another one was, and Copied where that has been proved.
    """
    for _ in range(_TRIES):
        verdict = judge(agent.held, sent)
        if verdict is Verdict.ANSWER_LOST:
            return Contact(agent.contact_sequence, agent.contact_token or "", again=True)
        if verdict is Verdict.FOLLOWED:
            _challenge(agent, sent)
        if _swapped(agent, after(agent.held, sent), changes):
            if verdict is Verdict.WE_ARE_BEHIND:
                _record(agent, "agent.resynchronised", at=at, sequence=sent.sequence)
            return Contact(agent.contact_sequence, agent.contact_token or "")
        # Another request was first, perhaps this one's own repetition: judged anew, by what stands now.
        agent.refresh_from_db()
    raise Conflict("Too many check-ins of this agent at the same time.")


def quarantine(*, agent: Agent, reason: str, at: datetime) -> None:
    """Stop all copies of an agent. What it holds stays where it is. A second time changes nothing."""
    changed = (
        Agent.objects.for_customer(agent.customer_id)
        .filter(pk=agent.pk, quarantined_at=None, revoked_at=None)
        .update(quarantined_at=at, quarantine_reason=reason)
    )
    if changed:
        _tell(agent, "agent.quarantined", at=at, reason=reason)


def release(*, agent: Agent, user: User, at: datetime) -> None:
    """Let an agent work again: the copy that checks in first goes on, and any other is noticed anew.

    Raises Conflict for an agent that is not quarantined.
    """
    changed = (
        Agent.objects.for_customer(agent.customer_id)
        .filter(pk=agent.pk, quarantined_at__isnull=False, revoked_at=None)
        .update(
            quarantined_at=None,
            quarantine_reason="",
            released_at=at,
            contact_token=None,
            previous_token="",
            previous_mark="",
        )
    )
    if not changed:
        raise Conflict("This agent is not quarantined.")
    _tell(agent, "agent.released", at=at, by=str(user.public_id))


def revoke(*, agent: Agent, at: datetime, user: User | None = None) -> None:
    """End an agent for good: its credential is worth nothing, and what it held has failed. A second time is nothing.

    `user` is None where the agent itself took its leave.
    """
    changed = Agent.objects.for_customer(agent.customer_id).filter(pk=agent.pk, revoked_at=None).update(revoked_at=at)
    if changed:
        deployments.abandon(asset=agent.asset, at=at)
        _tell(agent, "agent.revoked", at=at, by=str(user.public_id) if user else None)


def _challenge(agent: Agent, sent: Sent) -> None:
    """Raise OutOfOrder, or Copied where the proof is there.

    A request that was held up on its way comes late, and is nobody's copy; but nobody reads its answer either.
    """
    text = f"{agent.public_id} {sent.token} {sent.mark}"
    prove = hmac.new(settings.SECRET_KEY.encode(), f"agents.contacts {text}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(prove, sent.proof):
        raise OutOfOrder(prove)
    raise Copied(
        f"A check-in came with number {sent.sequence} and a token that another check-in had followed already; "
        f"the agent was at {agent.contact_sequence}. Its folder or its machine was copied, or restored from a snapshot."
    )


def _swapped(agent: Agent, held: Held, changes: dict[str, Any]) -> bool:
    """Whether it was still as it was read; then it is as `held` says."""
    values = changes | {
        "contact_sequence": held.sequence,
        "contact_token": held.token,
        "previous_token": held.previous_token,
        "previous_mark": held.previous_mark,
    }
    unchanged = Agent.objects.for_customer(agent.customer_id).filter(
        pk=agent.pk, contact_sequence=agent.contact_sequence, contact_token=agent.contact_token
    )
    if not unchanged.update(**values):
        return False
    for name, value in values.items():
        setattr(agent, name, value)
    return True


def _tell(agent: Agent, kind: str, *, at: datetime, **data: Any) -> None:
    _record(agent, kind, at=at, **data)
    # Or it would be answered for a while as if nothing had happened.
    transaction.on_commit(lambda: hints.forget(asset_ids=[agent.asset_id]))


def _record(agent: Agent, kind: str, *, at: datetime, **data: Any) -> None:
    data = {"agentId": str(agent.public_id), **data}
    events.record(customer_id=agent.customer_id, kind=kind, at=at, asset_id=agent.asset_id, data=data)
