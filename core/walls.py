"""Migration operations that wall each customer's rows in: forced row-level security and composite foreign keys.

Every table with a `customer_id` is walled in the migration that makes it; a test walks the catalogue for one that is
not. Shape and traps: docs/adr/0002-two-walls.md.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

SERVING_ROLES = "patch_web, patch_worker"

# Exactly this text: with CASE or a subquery in it, the planner loses the index. nullif, because a setting that was once
# set reads as '' afterwards.
_OWN_ROWS = "customer_id = nullif(current_setting('app.customer_id', true), '')::bigint"


def wall(
    table: str, *, references: Mapping[str, str] | None = None, append_only: bool = False, own_rows: str = _OWN_ROWS
) -> list[Operation]:
    """Force row-level security on `table`, and let each column of `references` reach rows of the same customer only.

    `references` maps a foreign key's column to the table that it points to; both tables have `(customer_id, id)`
    unique. `append_only` gives the serving roles no right to change or delete.
    """
    rights = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY own_rows ON {table} USING ({own_rows}) WITH CHECK ({own_rows})",
        f"GRANT {rights} ON {table} TO {SERVING_ROLES}",
    ]
    if own_rows == _OWN_ROWS:
        statements.append(f"ALTER TABLE {table} ADD CONSTRAINT {table}_of_customer UNIQUE (customer_id, id)")
    statements += [_reference(table, column, target) for column, target in (references or {}).items()]
    return [_sql(statements)]


def references(table: str, columns: Mapping[str, str]) -> list[Operation]:
    """The same composite foreign keys for columns that a walled table gets later."""
    return [_sql([_reference(table, column, target) for column, target in columns.items()])]


def scheduler_reads_more(table: str, *, columns: Sequence[str]) -> list[Operation]:
    """Further columns of a table that the scheduler role sees already."""
    return [_sql([f"GRANT SELECT ({', '.join(columns)}) ON {table} TO patch_scheduler"])]


def scheduler_changes_more(table: str, *, columns: Sequence[str]) -> list[Operation]:
    """Further columns of a table of which the scheduler role may change some already."""
    return [_sql([f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO patch_scheduler"])]


def _reference(table: str, column: str, target: str) -> str:
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_of_same_customer "
        f"FOREIGN KEY (customer_id, {column}) REFERENCES {target} (customer_id, id) DEFERRABLE INITIALLY IMMEDIATE"
    )


def scheduler_sees(
    table: str, *, columns: Sequence[str], updates: Sequence[str] = (), inserts: bool = False, deletes: bool = False
) -> list[Operation]:
    """Let the scheduler role read `columns` of every customer's rows, and change only `updates`."""
    statements = [f"GRANT SELECT ({', '.join(columns)}) ON {table} TO patch_scheduler"]
    statements.append(f"CREATE POLICY scheduler_reads ON {table} FOR SELECT TO patch_scheduler USING (true)")
    if updates:
        statements += [
            f"GRANT UPDATE ({', '.join(updates)}) ON {table} TO patch_scheduler",
            f"CREATE POLICY scheduler_updates ON {table} FOR UPDATE TO patch_scheduler USING (true)",
        ]
    if inserts:
        statements += [
            f"GRANT INSERT ON {table} TO patch_scheduler",
            f"CREATE POLICY scheduler_inserts ON {table} FOR INSERT TO patch_scheduler WITH CHECK (true)",
        ]
    if deletes:
        statements += [
            f"GRANT DELETE ON {table} TO patch_scheduler",
            f"CREATE POLICY scheduler_deletes ON {table} FOR DELETE TO patch_scheduler USING (true)",
        ]
    return [_sql(statements)]


def lookup(name: str, *, argument: str, table: str, key: str, reads: Sequence[str]) -> list[Operation]:
    """A function that says whose row `key` finds in `table`, for callers who do not have a customer yet.

    `name(argument) → customer_id`. It is owned by a role that may read these columns and nothing else, and returns one
    number: the caller learns no more than what it needs to enter that customer's context. `reads` are the columns that
    it may look at; the first of them is the customer's id, which is what is found.
    """
    return [
        _sql(
            [
                f"GRANT SELECT ({', '.join(reads)}) ON {table} TO patch_lookup",
                f"DROP POLICY IF EXISTS lookup_reads ON {table}",
                f"CREATE POLICY lookup_reads ON {table} FOR SELECT TO patch_lookup USING (true)",
                _lookup_function(name, argument, f"SELECT {reads[0]} FROM public.{table} WHERE {key} = $1"),  # noqa: S608
                f"REVOKE ALL ON FUNCTION {name}({argument}) FROM PUBLIC",
                f"GRANT EXECUTE ON FUNCTION {name}({argument}) TO {SERVING_ROLES}",
                # Last: rights are given while it is still ours.
                "GRANT CREATE ON SCHEMA public TO patch_lookup",
                f"ALTER FUNCTION {name}({argument}) OWNER TO patch_lookup",
                "REVOKE CREATE ON SCHEMA public FROM patch_lookup",
            ]
        )
    ]


def _lookup_function(name: str, argument: str, query: str) -> str:
    return (
        f"CREATE FUNCTION {name}({argument}) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = pg_catalog, public AS $$ {query} $$"
    )


def open_to_all(table: str) -> list[Operation]:
    """Rights on a table that holds no customer's rows."""
    return [_sql([f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SERVING_ROLES}"])]


def _sql(statements: Iterable[str]) -> RunSQL:
    """One operation; going back is done by dropping the table."""
    return RunSQL(list(statements), reverse_sql=RunSQL.noop)
