"""Releases of the agent: published for all or for some customers, and offered to agents that are older."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from agents.models import Agent, Release, ReleaseForCustomer
from agents.releasing import Built, check, rank
from core.customer_context import acting_for, enter_through
from core.errors import Conflict, DomainError, InvalidInput, NotFound, Problem


def publish(*, built: Built, customers: Sequence[str], at: datetime) -> Release:
    """Offer a release to the customers of these names, or to all where none is named. More may follow later.

    Raises InvalidInput for a release that is not signed by a key of AGENT_RELEASE_KEYS, and for an unknown customer;
    Conflict where the version was published with another content.
    """
    check(built, settings.AGENT_RELEASE_KEYS)
    with transaction.atomic():
        ids = [_customer(name) for name in customers]
        release = _stored(built, for_all=not customers, at=at)
    for customer_id in ids:
        with acting_for(customer_id), suppress(IntegrityError), transaction.atomic():
            ReleaseForCustomer.objects.create(customer_id=customer_id, release=release)
    return release


def withdraw(*, version: str, at: datetime) -> None:
    """Offer it to nobody any more. Machines that have it keep it. Raises NotFound."""
    if not Release.objects.filter(version=version).update(withdrawn_at=at):
        raise NotFound(f"There is no release {version}.")


def offer(*, agent: Agent, at: datetime) -> Release | None:
    """The newest release that is for this agent and newer than it, without its archive, once it is the agent's turn."""
    try:
        than = rank(agent.version)
    except DomainError:
        # It is of nobody's making, so nobody knows what would be newer.
        return None
    own = ReleaseForCustomer.objects.for_customer(agent.customer_id).values("release")
    return (
        Release.objects.filter(
            Q(for_all=True) | Q(pk__in=own), rank__gt=than, withdrawn_at=None, published_at__lte=at - _turn(agent)
        )
        .defer("archive")
        .order_by("-rank")
        .first()
    )


def archive(*, agent: Agent, version: str) -> bytes:
    """The archive of a release that is offered to this agent's customer. Raises NotFound."""
    own = ReleaseForCustomer.objects.for_customer(agent.customer_id).values("release")
    release = Release.objects.filter(Q(for_all=True) | Q(pk__in=own), version=version, withdrawn_at=None).first()
    if release is None:
        raise NotFound
    return bytes(release.archive)


def _turn(agent: Agent) -> timedelta:
    """How long after a publication this agent's turn is."""
    share = (agent.public_id.int % 10_000) / 10_000
    return timedelta(seconds=share * settings.AGENT_UPDATE_SPREAD_SECONDS)


def _stored(built: Built, *, for_all: bool, at: datetime) -> Release:
    release, is_new = Release.objects.select_for_update().get_or_create(
        version=built.version,
        defaults={
            "rank": rank(built.version),
            "manifest": built.manifest,
            "key_id": built.key_id,
            "signature": built.signature,
            "archive": built.archive,
            "for_all": for_all,
            "published_at": at,
        },
    )
    if is_new:
        return release
    if release.manifest != built.manifest:
        raise Conflict(f"Release {built.version} was published with another content. Give it another version.")
    if for_all and not release.for_all:
        # The time over which it is spread begins for those who had to wait.
        release.for_all, release.published_at = True, at
    release.withdrawn_at = None
    release.save(update_fields=["for_all", "published_at", "withdrawn_at"])
    return release


def _customer(name: str) -> int:
    found = enter_through("tenants_customer_of_name", name)
    if found is None:
        raise InvalidInput(problems=[Problem("customer", "unknown", f"no customer is called {name!r}")])
    return found
