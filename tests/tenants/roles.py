"""The database as its roles see it: by a connection of one's own, or by making the test's connection another role's."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from django.db import connections

OWNER, WEB, WORKER, SIGNER = "DATABASE_OWNER_URL", "DATABASE_WEB_URL", "DATABASE_URL", "DATABASE_SIGNER_URL"


@contextmanager
def connected(role: str, *, customer_id: int | None = None) -> Iterator[Any]:
    """A cursor of this role's, in a transaction that is rolled back; in a customer's context if one is named."""
    with closing(psycopg2.connect(os.environ[role])) as connection, connection.cursor() as cursor:
        if customer_id is not None:
            cursor.execute("SELECT set_config('app.customer_id', %s, true)", [str(customer_id)])
        yield cursor


def rows(role: str, sql: str, parameters: Sequence[object] = (), *, customer_id: int | None = None) -> list[Any]:
    """What one query answers to this role."""
    with connected(role, customer_id=customer_id) as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall())


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Django's own connection of this thread is another role's for a while. For committed rows only."""
    before = connections["default"]
    parts = urlsplit(os.environ[role])
    own = {"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")}
    connections["default"] = type(before)(before.settings_dict | own, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before
