"""How a machine gets its credential, and who it is from then on."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from agents import hints
from agents.models import Agent, SigningKey
from agents.services.contacts import Quarantined
from core import events
from core.customer_context import enter_through
from core.digests import digest_of, new_secret
from core.errors import NotPermitted, NotSignedIn, Unavailable
from deployments import services as deployments
from inventory import services as inventory
from inventory.descriptions import Machine
from tenants.models import ActivationKey


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A machine's identity as just made; the credential is shown here and never again."""

    agent: Agent
    credential: str
    signing_key: SigningKey


def enrol(*, activation_key: str, machine: Machine, agent_version: str, boot_id: str, at: datetime) -> Enrolment:
    """Give a machine an identity of its own. A machine that enrols again replaces its earlier agent.

    Raises NotPermitted for a key that is unknown, expired or revoked, Unavailable while the customer's signing key is
    still being made.
    """
    customer_id = enter_through("tenants_customer_of_activation_key", digest_of(activation_key))
    key = ActivationKey.objects.filter(digest=digest_of(activation_key)).first()
    if customer_id is None or key is None or not key.is_live(at):
        raise NotPermitted("The activation key is not valid (any more). Ask your administrator for a new one.")
    signing_key = SigningKey.objects.for_customer(customer_id).first()
    if signing_key is None:
        raise Unavailable(
            "The customer's signing key is being made. Try again in a moment.", headers={"Retry-After": "1"}
        )
    _one_at_a_time(customer_id, machine)
    asset = inventory.register_asset(customer_id=customer_id, machine=machine, at=at)
    replaced = Agent.objects.for_customer(customer_id).filter(asset=asset, revoked_at=None).update(revoked_at=at)
    if replaced:
        deployments.abandon(asset=asset, at=at)
        # Or the old agent, told to idle, would be answered for a while as if its credential were good.
        transaction.on_commit(lambda: hints.forget(asset_ids=[asset.pk]))
    credential = new_secret("ag")
    agent = Agent.objects.create(
        customer_id=customer_id,
        asset=asset,
        activation_key=key,
        credential_digest=digest_of(credential),
        version=agent_version,
        boot_id=boot_id,
        enrolled_at=at,
    )
    events.record(customer_id=customer_id, kind="agent.enrolled", at=at, asset_id=asset.pk)
    return Enrolment(agent=agent, credential=credential, signing_key=signing_key)


def _one_at_a_time(customer_id: int, machine: Machine) -> None:
    """Until the transaction ends. A machine that asks again before it was answered is one asset all the same."""
    if machine.os_identifier:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [machine.os_identifier, customer_id]
            )


def agent_of(*, credential: str) -> Agent:
    """The live agent behind a credential, with its customer entered. Raises NotSignedIn, and Quarantined."""
    enter_through("agents_customer_of_credential", digest_of(credential))
    agent = (
        Agent.objects.select_related("asset").filter(credential_digest=digest_of(credential), revoked_at=None).first()
    )
    if agent is None:
        raise NotSignedIn("The agent's credential is not known (any more). Enrol again.")
    if agent.quarantined_at is not None:
        raise Quarantined
    return agent
