"""Customers, and what their machines enrol with."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection

from core import events
from core.customer_context import acting_for
from core.digests import digest_of, new_secret
from core.errors import Conflict
from tenants.models import ActivationKey, Customer, Role, User
from tenants.services.people import check_password_strength, create_user


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer as just made; the activation key is shown here and never again."""

    customer: Customer
    admin: User
    activation_key: str


def create_customer(*, name: str, username: str, password: str, email: str, at: datetime) -> NewCustomer:
    """Make a customer with its first administrator and a first activation key.

    Raises InvalidInput for a password that is too weak, Conflict where the name or the user name is taken.
    """
    check_password_strength(password)
    customer_id = _next_customer_id()
    try:
        with acting_for(customer_id):
            customer = Customer.objects.create(pk=customer_id, name=name, created_at=at)
            admin = create_user(
                customer_id=customer_id, username=username, password=password, email=email, role=Role.ADMIN
            )
            key = create_activation_key(customer_id=customer_id, name="first")
            events.record(customer_id=customer_id, kind="customer.created", at=at)
    except IntegrityError as taken:
        raise Conflict(f"The customer {name!r} or the user {username!r} exists already.") from taken
    return NewCustomer(customer=customer, admin=admin, activation_key=key)


def create_activation_key(*, customer_id: int, name: str) -> str:
    """Make a key that machines enrol with, and return it: it is stored as a digest only."""
    key = new_secret("ak")
    ActivationKey.objects.create(customer_id=customer_id, name=name, digest=digest_of(key))
    return key


def _next_customer_id() -> int:
    """Taken before the row is written, since its own policy lets only the customer itself be inserted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('tenants_customer', 'id'))")
        return int(cursor.fetchone()[0])
