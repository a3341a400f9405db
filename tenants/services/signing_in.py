"""Signing in: passwords, tokens and sessions."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils.crypto import constant_time_compare

from core.customer_context import enter, enter_through
from core.digests import digest_of, new_secret
from core.errors import NotSignedIn
from tenants.models import AccessToken, RefreshToken, SignIn, User

JWT_ALGORITHM = "HS256"
_WRONG = "The user name or the password is wrong."


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a signing in hands out: a JWT with its end, and the token that buys the next."""

    user: User
    access: str
    expires_at: datetime
    refresh: str


def authenticate(*, username: str, password: str) -> User:
    """The person whom these fit, with their customer entered. Raises NotSignedIn, alike in every case.

    The time is alike too: where there is no such user, a password is hashed all the same.
    """
    # A browser's form may hold a NUL, which the database takes for an error; no name has one.
    username = username.replace("\0", "\ufffd")
    enter_through("tenants_customer_of_username", username)
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        make_password(password)
        raise NotSignedIn(_WRONG)
    if not check_password(password, user.password):
        raise NotSignedIn(_WRONG)
    return user


def sign_in(*, user: User, at: datetime) -> Tokens:
    """Begin a family of tokens for a person who has just proved who they are."""
    family = SignIn.objects.create(customer_id=user.customer_id, user=user, created_at=at)
    return _issue(family=family, user=user, at=at)


def refresh(*, token: str, at: datetime) -> Tokens:
    """Trade a refresh token for the next pair. Opens its own transaction: call it outside of one.

    Raises NotSignedIn for one that is unknown, expired or of a family that was signed out. One that was used before has
    been copied by somebody, so its family dies with it, which the refusal must not roll back.
    """
    with transaction.atomic():
        enter_through("tenants_customer_of_refresh_token", digest_of(token))
        found = RefreshToken.objects.select_for_update(of=("self",)).filter(digest=digest_of(token)).first()
        if found is None or not found.is_live(at):
            raise NotSignedIn("The refresh token is not valid (any more). Sign in again.")
        if found.used_at is None:
            RefreshToken.objects.filter(pk=found.pk).update(used_at=at)
            return _issue(family=found.sign_in, user=found.sign_in.user, at=at)
        SignIn.objects.filter(pk=found.sign_in_id).update(revoked_at=at)
    raise NotSignedIn("The refresh token has been used before. Sign in again.")


def sign_out(*, token: AccessToken, at: datetime) -> None:
    """End the family that this token belongs to: all its tokens stop working with their next use."""
    SignIn.objects.filter(pk=token.sign_in_id, revoked_at=None).update(revoked_at=at)


def access_token(*, encoded: str, at: datetime) -> AccessToken:
    """The live token behind a JWT, with its customer entered and its user loaded. Raises NotSignedIn."""
    claims = _claims(encoded, at=at)
    enter_through("tenants_customer_of_access_token", claims["jti"])
    token = AccessToken.objects.select_related("sign_in__user__customer").filter(jti=claims["jti"]).first()
    if token is None or token.sign_in.revoked_at or not token.sign_in.user.is_active:
        raise NotSignedIn("JWT revoked")
    return token


def begin_session(*, session: SessionBase, user: User) -> None:
    """Sign a browser in. The session's key changes, so that one planted before is worth nothing."""
    session.cycle_key()
    session["customer_id"] = user.customer_id
    session["user_id"] = user.pk
    session["password_hash"] = user.get_session_auth_hash()


def user_of_session(*, session: SessionBase) -> User | None:
    """The person whom a browser's session belongs to, with their customer entered. A changed password ends it."""
    if "customer_id" not in session:
        return None
    enter(session["customer_id"])
    user = User.objects.select_related("customer").filter(pk=session["user_id"], is_active=True).first()
    if user is None or not constant_time_compare(session["password_hash"], user.get_session_auth_hash()):
        return None
    return user


def _claims(encoded: str, *, at: datetime) -> dict[str, str]:
    try:
        claims: dict[str, str] = jwt.decode(
            encoded,
            settings.JWT_SECRET,
            algorithms=[JWT_ALGORITHM],
            # The clock is ours to tell (tests do), so the end is compared below.
            options={"require": ["exp", "jti", "sub"], "verify_exp": False, "verify_iat": False},
        )
        uuid.UUID(claims["jti"])
        expired = int(claims["exp"]) <= at.timestamp()
    except (jwt.InvalidTokenError, ArithmeticError, ValueError, TypeError, AttributeError) as wrong:
        raise NotSignedIn("JWT invalid") from wrong
    if expired:
        raise NotSignedIn("JWT expired")
    return claims


def _issue(*, family: SignIn, user: User, at: datetime) -> Tokens:
    expires_at = at + timedelta(seconds=settings.ACCESS_TOKEN_SECONDS)
    token = AccessToken.objects.create(customer_id=user.customer_id, sign_in=family, expires_at=expires_at)
    refresh_token = new_secret("rt")
    RefreshToken.objects.create(
        customer_id=user.customer_id,
        sign_in=family,
        digest=digest_of(refresh_token),
        expires_at=at + timedelta(seconds=settings.REFRESH_TOKEN_SECONDS),
    )
    claims = {
        "jti": str(token.jti),
        "sub": str(user.public_id),
        "customerId": str(user.customer.public_id),
        "role": user.role,
        "iat": int(at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return Tokens(
        user=user,
        access=jwt.encode(claims, settings.JWT_SECRET, algorithm=JWT_ALGORITHM),
        expires_at=expires_at,
        refresh=refresh_token,
    )
