"""The people of a customer, and what they may do."""

from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core import events
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Problem
from tenants.models import ApiKey, Role, SignIn, User


def create_user(*, customer_id: int, username: str, password: str, email: str, role: Role) -> User:
    """Make a person of this customer."""
    return User.objects.create(
        customer_id=customer_id, username=username, password=make_password(password), email=email, role=role
    )


def add_person(*, customer_id: int, at: datetime, password: str, **fields: str) -> User:
    """Make a person who may sign in. `fields` are columns of User.

    Raises InvalidInput for a password that is too weak, Conflict where the user name is taken, here or elsewhere.
    """
    check_password_strength(password)
    made = User(customer_id=customer_id, password=make_password(password), created_at=at, **fields)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as taken:
        if "username" not in str(taken):
            raise
        message = f"the user name {made.username!r} is taken"
        raise Conflict(message, problems=[Problem("username", "taken", message)]) from taken
    events.record(customer_id=customer_id, kind="user.created", at=at, data={"userId": str(made.public_id)})
    return made


def change_person(*, person: User, changes: dict[str, object], at: datetime) -> User:
    """Change columns of a person. Who is switched off is signed out, with the next request.

    Raises Conflict where nobody would be left to administer the customer.
    """
    current = _locked(person)
    for name, value in changes.items():
        setattr(current, name, value)
    _require_an_administrator(current)
    current.save(update_fields=list(changes))
    if not current.is_active:
        _sign_out(current, at=at)
    events.record(
        customer_id=current.customer_id,
        kind="user.changed",
        at=at,
        data={"userId": str(current.public_id), "fields": sorted(changes)},
    )
    return current


def remove_person(*, person: User, by: User, at: datetime) -> None:
    """Let a person go: no sign-in, no key of theirs works any more. What they made stays, and says their name.

    Raises Conflict for oneself, and where nobody would be left to administer the customer.
    """
    if person.pk == by.pk:
        raise Conflict("Nobody can remove themselves. Ask another administrator.")
    current = _locked(person)
    current.is_active, current.removed_at = False, at
    _require_an_administrator(current)
    current.save(update_fields=["is_active", "removed_at"])
    _sign_out(current, at=at)
    ApiKey.objects.for_customer(current.customer_id).filter(user=current, revoked_at=None).update(revoked_at=at)
    events.record(customer_id=current.customer_id, kind="user.removed", at=at, data={"userId": str(current.public_id)})


def set_password(*, person: User, password: str, by: User, current_password: str, at: datetime) -> None:
    """Give a person another password, and end everywhere what was begun with the old one.

    One's own takes the current one, lest a browser left open be enough; an administrator sets anybody else's.
    Raises NotPermitted, and InvalidInput for a password that is too weak or a current one that is wrong.
    """
    own = person.pk == by.pk
    if not own and not by.may(Role.ADMIN):
        raise NotPermitted("Only administrators set the passwords of others.")
    if own and not check_password(current_password, person.password):
        raise InvalidInput(problems=[Problem("currentPassword", "invalid", "is not your password")])
    check_password_strength(password, user=person)
    locked = _locked(person)
    locked.password = make_password(password)
    locked.save(update_fields=["password"])
    _sign_out(locked, at=at)
    events.record(
        customer_id=locked.customer_id, kind="user.password_set", at=at, data={"userId": str(locked.public_id)}
    )


def check_password_strength(password: str, *, user: User | None = None) -> None:
    """Raises InvalidInput with everything that is wrong with it."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        problems = [Problem(field="password", code="invalid", message=text) for text in weak.messages]
        raise InvalidInput(problems=problems) from weak


def _locked(person: User) -> User:
    """As the person is now, and nobody of their customer changes meanwhile: who is left is counted."""
    rows = User.objects.for_customer(person.customer_id).filter(removed_at=None)
    found = {one.pk: one for one in rows.select_for_update(no_key=True).order_by("pk")}
    if person.pk not in found:
        raise NotFound
    return found[person.pk]


def _require_an_administrator(changed: User) -> None:
    if changed.is_active and changed.role == Role.ADMIN:
        return
    others = User.objects.for_customer(changed.customer_id).filter(role=Role.ADMIN, is_active=True)
    if not others.exclude(pk=changed.pk).exists():
        raise Conflict("Nobody would be left who administers this customer. Make somebody else an admin first.")


def _sign_out(person: User, *, at: datetime) -> None:
    """Sessions of browsers end by themselves: they hold a digest of the password, and want somebody active."""
    SignIn.objects.for_customer(person.customer_id).filter(user=person, revoked_at=None).update(revoked_at=at)
