"""What all tests share: the embedded database as the serving role sees it, and customers made by `tests.factories`."""

import os
from collections.abc import Iterator

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connections

from agents import hints
from core.customer_context import enter
from tests import factories
from tests.factories import Person


def _empty() -> None:
    """Delete every row, as the owner: the role that serves may not."""
    with psycopg2.connect(os.environ["DATABASE_OWNER_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'django_migrations'"
        )
        (tables,) = cursor.fetchone()
        # Nothing here must survive a crash, and waiting for the disk is most of what emptying costs.
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    connection.close()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> None:
    """The test servers' own database, migrated: pytest-django would make one that the serving role owns."""
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        connections["owner"].close()
    _empty()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Real transactions, for races and for what only a commit shows. Every row is gone afterwards."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        _empty()


@pytest.fixture
def ada(db: None) -> Person:
    """The administrator of Acme, whose context the test's transaction is in."""
    person = factories.person(customer=factories.customer("Acme"), username="ada")
    enter(person.customer.pk)
    return person


@pytest.fixture(autouse=True)
def _no_hints() -> Iterator[None]:
    """Hints of another test would answer for this one's database."""
    yield
    hints.forget_all()
