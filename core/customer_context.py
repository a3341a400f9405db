"""Which customer the current transaction works for. Row-level security reads it: unset means no rows.

The setting is local to the transaction, so nothing leaks through a pooled connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from core import logs

_SETTING = "app.customer_id"


def enter(customer_id: int) -> None:
    """Work for this customer until the current transaction ends. Raises outside of a transaction."""
    _set(str(customer_id))


def enter_through(lookup: str, argument: str) -> int | None:
    """Ask one of the lookup functions whose customer `argument` is, and work for it from here on: one round trip.

    `lookup` names a SECURITY DEFINER function of ours that takes one argument and returns a customer's id or NULL.
    None where it finds nobody; then no row is visible.
    """
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(
            # The function's name is a literal of our own code, never a request's.
            f"SELECT customer_id, set_config('{_SETTING}', coalesce(customer_id::text, ''), true) "  # noqa: S608
            f"FROM {lookup}(%s) AS found(customer_id)",
            [argument],
        )
        row = cursor.fetchone()
    return None if row is None else row[0]


@contextmanager
def acting_for(customer_id: int) -> Iterator[None]:
    """A transaction in the customer's context; whoever was acted for before is so again afterwards."""
    with transaction.atomic(), logs.bind(customer=customer_id):
        before = _current()
        _set(str(customer_id))
        yield
        _set(before)


@contextmanager
def scheduling() -> Iterator[None]:
    """A transaction as the narrow role that sees due work of all customers, and of each row only what that takes.

    Only workers and the relay may; the web's login role is no member of it.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE patch_scheduler")
        yield
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a customer's context needs a transaction")


def _set(value: str) -> None:
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING, value])


def _current() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [_SETTING])
        return str(cursor.fetchone()[0])
