"""A database clock of our own, so that months pass in minutes.

Schedulers go by the database's clock alone, which Django asks for as `STATEMENT_TIMESTAMP()`: a function of that name
in a schema that their connections search first answers instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg2

SEARCH_PATH = "simulated, pg_catalog, public"
_SCHEMA = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (shown timestamptz NOT NULL);
CREATE FUNCTION simulated.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT shown FROM simulated.clock';
GRANT USAGE ON SCHEMA simulated TO PUBLIC;
GRANT SELECT ON simulated.clock TO PUBLIC;
"""


class Clock:
    """The hands of the clock; whoever holds them is the only one who turns them."""

    def __init__(self, cursor: Any, shown: datetime) -> None:
        self._cursor, self.shown = cursor, shown

    def turn(self, by: timedelta) -> None:
        """On by so much, for all statements that begin from now on."""
        self.shown += by
        self._cursor.execute("UPDATE simulated.clock SET shown = %s", [self.shown])


@contextmanager
def simulated(owner_url: str, *, shown: datetime) -> Iterator[Clock]:
    """A clock in the database of `owner_url` that stands at `shown`."""
    connection = psycopg2.connect(owner_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SCHEMA)
            cursor.execute("INSERT INTO simulated.clock VALUES (%s)", [shown])
            yield Clock(cursor, shown)
    finally:
        connection.close()
