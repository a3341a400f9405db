"""API keys: how programs sign in for long, without a password."""

import zlib
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from core import events
from core.customer_context import enter_through
from core.digests import digest_of, new_secret
from core.errors import Conflict, InvalidInput, NotSignedIn, Problem
from tenants.models import ApiKey, Role, User

PREFIX = "pk"
MOST_KEYS = 100
# Of the key, so much is shown in lists, to tell one from another.
_SHOWN = 4
_CHECKSUM = 8
# The last use is noted this often at most, so that a busy program costs no write per request.
_NOTED_EVERY = timedelta(minutes=1)
_UNKNOWN = "The API key is not valid (any more)."


def create_key(*, user: User, name: str, role: Role, expires_at: datetime | None, at: datetime) -> tuple[ApiKey, str]:
    """Make a key of this person's, which may do no more than `role`, and the key itself, which is stored as a digest.

    Raises InvalidInput for a role above the person's own and an end that is past, Conflict for too many keys.
    """
    problems = []
    if not user.may(role):
        problems.append(Problem("role", "invalid", f"must not be above your own, {user.role}"))
    if expires_at is not None and expires_at <= at:
        problems.append(Problem("expiresDate", "invalid", "must be in the future"))
    if problems:
        raise InvalidInput(problems=problems)
    if live_keys(user, at=at).count() >= MOST_KEYS:
        raise Conflict(f"You have {MOST_KEYS} keys. Delete one that is not used any more.")
    secret = _new()
    made = ApiKey.objects.create(
        customer_id=user.customer_id,
        user=user,
        name=name,
        role=role,
        digest=digest_of(secret),
        ending=secret[-_SHOWN:],
        expires_at=expires_at,
        created_at=at,
    )
    _record(made, "key.created", at=at)
    return made, secret


def revoke_key(*, key: ApiKey, at: datetime) -> None:
    """It stops working with its next use."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        _record(key, "key.revoked", at=at)


def live_keys(user: User, *, at: datetime) -> QuerySet[ApiKey]:
    """The person's keys that work."""
    keys: QuerySet[ApiKey] = ApiKey.objects.for_customer(user.customer_id).filter(user=user, revoked_at=None)
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=at))


def key_of(*, secret: str, at: datetime) -> ApiKey:
    """The live key behind a secret, with its customer entered and its person loaded. Raises NotSignedIn.

    What cannot be a key of ours, by its checksum, costs no look into the database.
    """
    if not _is_whole(secret):
        raise NotSignedIn(_UNKNOWN)
    enter_through("tenants_customer_of_api_key", digest_of(secret))
    key = ApiKey.objects.select_related("user__customer").filter(digest=digest_of(secret)).first()
    if key is None or not key.is_live(at):
        raise NotSignedIn(_UNKNOWN)
    if key.last_used_at is None or key.last_used_at < at - _NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


def _new() -> str:
    """The prefix, 256 random bits, and a checksum, by which scanners of leaked secrets know one of ours."""
    body = new_secret(PREFIX)
    return body + _checksum(body)


def _is_whole(secret: str) -> bool:
    body, checksum = secret[:-_CHECKSUM], secret[-_CHECKSUM:]
    return secret.isascii() and body.startswith(f"{PREFIX}_") and checksum == _checksum(body)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):0{_CHECKSUM}x}"


def _record(key: ApiKey, kind: str, *, at: datetime) -> None:
    data = {"keyId": str(key.public_id), "name": key.name, "role": key.role}
    events.record(customer_id=key.customer_id, kind=kind, at=at, data=data)
