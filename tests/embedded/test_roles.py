"""What roles.sql makes, asked of a real server."""

import psycopg2
import pytest

from tests.embedded.tools import connect, query, using_servers


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder whose servers run while this module's tests do."""
    folder = tmp_path_factory.mktemp("roles") / "data"
    with using_servers(folder):
        yield folder


def test_roles__all__are_held_by_row_security(data_dir):
    rows = query(
        data_dir,
        """
        SELECT rolname, rolcanlogin, rolinherit, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication
        FROM pg_roles WHERE rolname LIKE 'patch%' ORDER BY 1
        """,
    )

    assert rows == [
        ("patch_lookup", False, True, False),
        ("patch_owner", True, False, False),
        ("patch_scheduler", False, True, False),
        ("patch_signer", True, False, False),
        ("patch_web", True, True, False),
        ("patch_worker", True, False, False),
    ]


def test_worker__without_set_role__is_no_scheduler(data_dir):
    query(data_dir, "CREATE TABLE due AS SELECT 1 AS n")
    query(data_dir, "GRANT SELECT ON due TO patch_scheduler")

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(data_dir, "SELECT n FROM due", "DATABASE_URL")

    assert query(data_dir, "SET ROLE patch_scheduler; SELECT n FROM due", "DATABASE_URL") == [(1,)]


def test_worker__policy_for_the_scheduler__applies_only_after_set_role(data_dir):
    for statement in (
        "CREATE TABLE walled AS SELECT 1 AS n",
        "GRANT SELECT ON walled TO patch_worker, patch_scheduler",
        "ALTER TABLE walled ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE walled FORCE ROW LEVEL SECURITY",
        "CREATE POLICY scan ON walled TO patch_scheduler USING (true)",
    ):
        query(data_dir, statement)

    assert query(data_dir, "SELECT n FROM walled", "DATABASE_URL") == []
    assert query(data_dir, "SET ROLE patch_scheduler; SELECT n FROM walled", "DATABASE_URL") == [(1,)]


@pytest.mark.parametrize("variable", ["DATABASE_WEB_URL", "DATABASE_SIGNER_URL", "DATABASE_OWNER_URL"])
def test_others__set_role_scheduler__is_refused(data_dir, variable):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(data_dir, "SET ROLE patch_scheduler", variable)


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_WEB_URL", "DATABASE_SIGNER_URL"])
@pytest.mark.parametrize("statement", ["CREATE TABLE mine ()", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine ()"])
def test_serving_roles__create__is_refused(data_dir, variable, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(data_dir, statement, variable)


def test_owner__extension_that_migrations_want__is_allowed(data_dir):
    query(data_dir, "CREATE EXTENSION IF NOT EXISTS pg_trgm")

    assert query(data_dir, "SELECT similarity('patch', 'patch')") == [(1.0,)]


def test_owner__owns__database_and_schema(data_dir):
    connection = connect(data_dir)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = 'patch'")
        database = cursor.fetchone()
        cursor.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'")
        schema = cursor.fetchone()
    connection.close()

    assert database == schema == ("patch_owner",)
