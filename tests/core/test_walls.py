"""The second wall, asked of the catalogue and of every role: docs/adr/0002-two-walls.md."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.db import models

from tenants.models import Customer, CustomerOwned
from tests import factories
from tests.tenants.roles import OWNER, SIGNER, WEB, WORKER, connected, rows
from tests.tenants.worlds import World, two_worlds

# Written out: a table that forgets its customer must not slip in here unread.
OPEN_TABLES = {"agents_release", "calendars_servicepause", "core_heartbeat", "django_migrations", "django_session"}
OWN_ROWS = "(customer_id = (NULLIF(current_setting('app.customer_id'::text, true), ''::text))::bigint)"
SERVING = ["patch_web", "patch_worker"]
LOOKUPS = {
    "tenants_customer_of_name",
    "tenants_customer_of_username",
    "tenants_customer_of_access_token",
    "tenants_customer_of_refresh_token",
    "tenants_customer_of_activation_key",
    "tenants_customer_of_api_key",
    "deployments_customer_of_feed",
    "agents_customer_of_credential",
}
SCHEDULER_READS = {
    "calendars_calendar": {"id", "customer_id", "name", "is_global", "due_at", "refresh_minutes"},
    "calendars_freeze": {
        "id",
        "customer_id",
        "calendar_id",
        "starts_at",
        "ends_at",
        "summary",
        "block_starts_at",
        "block_ends_at",
    },
    "calendars_customerpause": {"id", "customer_id", "reason", "paused_at"},
    "core_event": {"id"},
    "core_idempotencykey": {"id", "created_at"},
    "core_message": {"id", "customer_id", "event_id", "task", "due_at", "attempts", "created_at"},
    "deployments_job": {
        "id",
        "customer_id",
        "state",
        "next_run_at",
        "due_at",
        "timeout",
        "timeout_unit",
        "missed_run_policy",
        "missed_run_within",
        "disabled_until",
        "last_instance",
        "schedule_type",
        "start_local",
        "recurring_week_days",
        "day_of_month",
        "recurring_last_day_of_month",
        "recurring_day_of_month",
        "recurring_week_day_of_month",
        "monthly_recurring_type",
        "patch_tuesday_plus_x_days",
        "recurrence_interval",
        "do_not_run_until",
        "timezone_type",
        "timezone",
    },
    "deployments_jobcalendar": {"id", "customer_id", "job_id", "calendar_id"},
    "deployments_run": {
        "resumes_at",
        "id",
        "customer_id",
        "state",
        "deadline",
        "started_at",
        "tells_at_share",
        "share_told_at",
        "children_wait",
        "open_wave",
    },
    "deployments_hosttask": {"id", "customer_id", "run_id", "state", "lease_until", "start_before", "deadline"},
    "inventory_tag": {"id", "customer_id", "members_told_at"},
    "reports_report": {"id", "customer_id", "state", "lease_until", "expires_at"},
}
# No customer's.
SCHEDULER_READS_OF_ALL = {"calendars_servicepause": {"place", "reason", "paused_at"}}
SCHEDULER_CHANGES = {
    "calendars_calendar": {"due_at"},
    "core_message": {"due_at", "attempts"},
    "deployments_job": {"next_run_at", "due_at", "last_instance"},
}
SCHEDULER_ADDS = {"core_event", "core_message", "deployments_run"}
SCHEDULER_DELETES = {"core_idempotencykey"}
LOOKUP_READS = {
    "tenants_customer": {"id", "name"},
    "tenants_user": {"customer_id", "username"},
    "tenants_accesstoken": {"customer_id", "jti"},
    "tenants_refreshtoken": {"customer_id", "digest"},
    "tenants_activationkey": {"customer_id", "digest"},
    "tenants_apikey": {"customer_id", "digest"},
    "agents_agent": {"customer_id", "credential_digest"},
    "deployments_feed": {"customer_id", "secret_digest"},
}

pytestmark = pytest.mark.usefixtures("django_db_setup")


def walled_tables() -> list[str]:
    """Every table that has a customer's rows, by the catalogue; the customers' own table among them."""
    found = rows(
        OWNER,
        "SELECT relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer_id' "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    return [*(name for (name,) in found), "tenants_customer"]


def references() -> list[tuple[str, str, str]]:
    """(table, column, target) of every relation between two models of customers' rows."""
    return [
        (model._meta.db_table, relation.column, relation.related_model._meta.db_table)
        for model in apps.get_models()
        if issubclass(model, CustomerOwned)
        for relation in model._meta.concrete_fields
        if isinstance(relation, models.ForeignKey) and issubclass(relation.related_model, CustomerOwned)
    ]


def test_tables__without_a_customer__are_the_known_few() -> None:
    every = rows(OWNER, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert {name for (name,) in every} - set(walled_tables()) == OPEN_TABLES


def test_tables__with_a_customer__force_row_security() -> None:
    weak = rows(
        OWNER,
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind IN ('r', 'p') "
        "AND NOT (relrowsecurity AND relforcerowsecurity)",
        [walled_tables()],
    )

    assert weak == []


def test_tables__with_a_customer__have_exactly_the_policy_of_own_rows() -> None:
    found = rows(
        OWNER,
        "SELECT tablename, permissive, roles::text[], cmd, qual, with_check FROM pg_policies "
        "WHERE policyname = 'own_rows' ORDER BY 1",
    )

    by_table = {name: rest for name, *rest in found}
    expected = {table: ["PERMISSIVE", ["public"], "ALL", OWN_ROWS, OWN_ROWS] for table in walled_tables()}
    its_own = OWN_ROWS.replace("customer_id =", "id =")
    expected["tenants_customer"] = ["PERMISSIVE", ["public"], "ALL", its_own, its_own]
    assert by_table == expected


def test_policies__besides_own_rows__are_for_the_two_narrow_roles() -> None:
    found = rows(OWNER, "SELECT tablename, roles::text[], cmd FROM pg_policies WHERE policyname <> 'own_rows'")

    assert {(table, tuple(roles), command) for table, roles, command in found} == {
        *((table, ("patch_lookup",), "SELECT") for table in LOOKUP_READS),
        *((table, ("patch_scheduler",), "SELECT") for table in SCHEDULER_READS),
        *((table, ("patch_scheduler",), "UPDATE") for table in SCHEDULER_CHANGES),
        *((table, ("patch_scheduler",), "INSERT") for table in SCHEDULER_ADDS),
        *((table, ("patch_scheduler",), "DELETE") for table in SCHEDULER_DELETES),
    }


def test_tables__with_a_customer__are_unique_by_customer_and_id() -> None:
    found = rows(
        OWNER,
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'u' AND "
        "(SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute "
        " WHERE attrelid = conrelid AND attnum = ANY(conkey)) = ARRAY['customer_id', 'id']",
    )

    assert {name for (name,) in found} == set(walled_tables()) - {"tenants_customer"}


def test_models__every_relation_between_customers_rows__has_a_composite_key() -> None:
    found = rows(
        OWNER,
        "SELECT conrelid::regclass::text, ours.names[2], confrelid::regclass::text "
        "FROM pg_constraint c "
        "CROSS JOIN LATERAL (SELECT array_agg(attname::text ORDER BY place) AS names FROM unnest(conkey) "
        " WITH ORDINALITY AS k(number, place) JOIN pg_attribute ON attrelid = conrelid AND attnum = number) ours "
        "CROSS JOIN LATERAL (SELECT array_agg(attname::text ORDER BY place) AS names FROM unnest(confkey) "
        " WITH ORDINALITY AS k(number, place) JOIN pg_attribute ON attrelid = confrelid AND attnum = number) theirs "
        "WHERE contype = 'f' AND convalidated AND ours.names[1] = 'customer_id' AND cardinality(ours.names) = 2 "
        "AND theirs.names = ARRAY['customer_id', 'id']",
    )

    assert set(found) == set(references())
    assert len(references()) > 20


def test_models__of_customers_rows__point_to_their_customer() -> None:
    found = rows(
        OWNER,
        "SELECT conrelid::regclass::text FROM pg_constraint c JOIN pg_attribute a "
        "ON a.attrelid = conrelid AND conkey = ARRAY[a.attnum] AND a.attname = 'customer_id' "
        "WHERE contype = 'f' AND confrelid = 'tenants_customer'::regclass",
    )

    owned = {model._meta.db_table for model in apps.get_models() if issubclass(model, CustomerOwned)}
    assert {name for (name,) in found} == owned


@pytest.mark.parametrize("role", [WEB, WORKER, SIGNER])
def test_serving_role__owns_nothing_and_bypasses_nothing(role: str) -> None:
    (found,) = rows(
        role,
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, "
        "(SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = r.oid), "
        "has_schema_privilege('public', 'CREATE') FROM pg_roles r WHERE rolname = current_user",
    )

    assert found == (False, False, False, False, 0, False)


def test_web__set_role_to_the_scheduler__is_refused() -> None:
    with connected(WEB) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SET ROLE patch_scheduler")


@pytest.mark.parametrize("role", ["patch_lookup", "patch_owner", "patch_signer", "patch_web"])
def test_worker__set_role_to_any_other__is_refused(role: str) -> None:
    with connected(WORKER) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(f"SET ROLE {role}")


@pytest.mark.parametrize(
    ("role", "granted"),
    [("patch_scheduler", SCHEDULER_READS | SCHEDULER_READS_OF_ALL), ("patch_lookup", LOOKUP_READS)],
    ids=["scheduler", "lookup"],
)
def test_narrow_role__reads_the_granted_columns_alone(role: str, granted: dict[str, set[str]]) -> None:
    assert _columns_with(role, "SELECT") == granted


@pytest.mark.parametrize(
    ("role", "granted"), [("patch_scheduler", SCHEDULER_CHANGES), ("patch_lookup", {})], ids=["scheduler", "lookup"]
)
def test_narrow_role__changes_the_granted_columns_alone(role: str, granted: dict[str, set[str]]) -> None:
    assert _columns_with(role, "UPDATE") == granted


@pytest.mark.parametrize(
    ("right", "tables"), [("INSERT", SCHEDULER_ADDS), ("DELETE", SCHEDULER_DELETES)], ids=["INSERT", "DELETE"]
)
def test_scheduler__adds_and_deletes__in_the_named_tables_alone(right: str, tables: set[str]) -> None:
    found = rows(
        OWNER,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND has_table_privilege('patch_scheduler', oid, %s)",
        [right],
    )

    assert {name for (name,) in found} == tables


def _columns_with(role: str, right: str) -> dict[str, set[str]]:
    found = rows(
        OWNER,
        "SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 "
        "WHERE NOT attisdropped AND relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND has_column_privilege(%s, c.oid, attnum, %s)",
        [role, right],
    )
    by_table: dict[str, set[str]] = {}
    for table, column in found:
        by_table.setdefault(table, set()).add(column)
    return by_table


def test_lookups__are_run_by_serving_roles_alone() -> None:
    found = rows(
        OWNER,
        "SELECT proname, pg_get_userbyid(proowner), array_agg(coalesce(pg_get_userbyid(nullif(grantee, 0)), 'PUBLIC') "
        "ORDER BY 1) FILTER (WHERE grantee <> proowner), proconfig, prorettype::regtype::text "
        "FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) "
        "WHERE prosecdef AND pronamespace = 'public'::regnamespace GROUP BY 1, 2, 4, 5",
    )

    assert {name: (owner, sorted(grantees), kind) for name, owner, grantees, _, kind in found} == dict.fromkeys(
        LOOKUPS, ("patch_lookup", SERVING, "bigint")
    )
    # Without a fixed path, whoever calls one could slip in a table of their own.
    assert all(config == ["search_path=pg_catalog, public"] for *_, config, _ in found)


def test_lookup__by_the_signer__is_refused() -> None:
    with connected(SIGNER) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SELECT tenants_customer_of_username('ada')")


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[World, World]]:
    """Two customers, each with a row in every table."""
    with django_db_blocker.unblock(), two_worlds() as both:
        yield both


@pytest.fixture
def acme(worlds: tuple[World, World]) -> World:
    """One of them."""
    return worlds[0]


@pytest.fixture
def rival(worlds: tuple[World, World]) -> World:
    """The other."""
    return worlds[1]


@pytest.mark.parametrize("role", [WEB, WORKER])
@pytest.mark.parametrize("setting", [None, ""])
def test_serving_role__no_customer_is_set__sees_no_row_of_any_table(
    acme: World, role: str, setting: str | None
) -> None:
    with connected(OWNER, customer_id=acme.customer.pk) as cursor:
        filled = {table: _count(cursor, table) for table in walled_tables()}
    with connected(role) as cursor:
        if setting is not None:
            cursor.execute("SELECT set_config('app.customer_id', %s, true)", [setting])
        seen = {table: _count(cursor, table) for table in walled_tables() if table != "agents_signingsecret"}

    assert all(filled.values()), f"nothing to hide in {[table for table, count in filled.items() if not count]}"
    assert not any(seen.values())


def _count(cursor: "psycopg2.extensions.cursor", table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    return int(cursor.fetchone()[0])


def test_worker__in_a_customers_context__sees_no_row_of_another(acme: World, rival: World) -> None:
    for table in walled_tables():
        if table == "agents_signingsecret":
            continue
        key = "id" if table == "tenants_customer" else "customer_id"
        seen = rows(WORKER, f"SELECT DISTINCT {key} FROM {table}", customer_id=acme.customer.pk)
        assert seen == [(acme.customer.pk,)], table


def test_scheduler__sees_all_customers__and_the_worker_does_not_after_reset(acme: World, rival: World) -> None:
    every = {acme.customer.pk, rival.customer.pk}
    with connected(WORKER) as cursor:
        cursor.execute("SET LOCAL ROLE patch_scheduler")
        cursor.execute("SELECT DISTINCT customer_id FROM deployments_hosttask")
        assert {pk for (pk,) in cursor.fetchall()} == every
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT customer_id FROM deployments_hosttask")
        assert cursor.fetchall() == []


def test_scheduler__asks_for_a_name__is_refused(acme: World) -> None:
    with connected(WORKER) as cursor:
        cursor.execute("SET LOCAL ROLE patch_scheduler")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT name FROM deployments_job")


@pytest.mark.parametrize("role", [WEB, WORKER])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sealed FROM agents_signingsecret",
        "INSERT INTO agents_signingkey (customer_id, public_id, public_key) VALUES (1, gen_random_uuid(), '')",
        "UPDATE agents_signingkey SET public_key = ''",
        "UPDATE agents_manifest SET signature = ''",
        "UPDATE agents_manifest SET text = ''",
        "UPDATE core_event SET kind = 'x'",
        "DELETE FROM core_event",
        "TRUNCATE core_event",
        "ALTER TABLE core_event DISABLE ROW LEVEL SECURITY",
        "DELETE FROM django_migrations",
    ],
)
def test_serving_role__what_it_never_needs__is_refused(role: str, sql: str) -> None:
    with connected(role) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM tenants_user", "SELECT * FROM deployments_job", "UPDATE agents_manifest SET text = ''"]
)
def test_signer__what_it_never_needs__is_refused(sql: str) -> None:
    with connected(SIGNER) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(sql)


@pytest.mark.parametrize("sql", ["DELETE FROM calendars_servicepause", "UPDATE calendars_servicepause SET reason = ''"])
def test_web__ends_the_services_pause__is_refused(sql: str) -> None:
    with connected(WEB) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(sql)


def test_web__cannot_make_a_customer() -> None:
    with connected(WEB) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SELECT nextval('tenants_customer_id_seq')")


def test_insert__for_another_customer__is_refused(acme: World, rival: World) -> None:
    with (
        connected(WORKER, customer_id=acme.customer.pk) as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"),
    ):
        cursor.execute(
            "INSERT INTO inventory_tag (customer_id, public_id, name) VALUES (%s, %s, 'planted')",
            [rival.customer.pk, str(uuid.uuid4())],
        )


def test_update__gives_a_row_away__is_refused(acme: World, rival: World) -> None:
    with (
        connected(WORKER, customer_id=acme.customer.pk) as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"),
    ):
        cursor.execute("UPDATE inventory_tag SET customer_id = %s", [rival.customer.pk])


@pytest.mark.parametrize(
    ("table", "column", "victim"),
    [
        ("deployments_jobasset", "asset_id", "asset"),
        ("deployments_jobtag", "tag_id", "tag"),
        ("deployments_jobpatch", "patch_id", "patch"),
        ("deployments_jobcalendar", "calendar_id", "calendar"),
    ],
)
def test_insert__names_another_customers_row__is_refused(
    acme: World, rival: World, table: str, column: str, victim: str
) -> None:
    part = ", part" if column in {"asset_id", "tag_id"} else ""
    included = ", 'include'" if part else ""
    with connected(WORKER, customer_id=acme.customer.pk) as cursor, pytest.raises(psycopg2.errors.ForeignKeyViolation):
        cursor.execute(
            f"INSERT INTO {table} (customer_id, job_id, {column}, position{part}) VALUES (%s, %s, %s, 9{included})",
            [acme.customer.pk, acme.job.pk, getattr(rival, victim).pk],
        )


# What else a row must say that has such a key: without it, it would be refused for that.
ALSO = {"retry_of_id": ", trigger = 'retry'"}


def test_update__any_key_to_another_customers_row__is_refused(acme: World, rival: World) -> None:
    # One without a task: the task of an asset is unique, which would be refused before its key.
    factories.asset(rival.customer)
    for table, column, target in references():
        ((foreign,),) = rows(OWNER, f"SELECT max(id) FROM {target}", customer_id=rival.customer.pk)
        # The owner has rights on every table, and is held by the keys all the same.
        with connected(OWNER, customer_id=acme.customer.pk) as cursor:
            try:
                cursor.execute(f"UPDATE {table} SET {column} = %s{ALSO.get(column, '')}", [foreign])
            except psycopg2.errors.ForeignKeyViolation:
                continue
        pytest.fail(f"{table}.{column} took a row of another customer's {target}")


def test_lookup__knows_whose_a_user_name_is__and_no_more(acme: World) -> None:
    with connected(WEB) as cursor:
        cursor.execute("SELECT tenants_customer_of_username(%s)", [acme.ada.user.username])
        assert cursor.fetchall() == [(acme.customer.pk,)]
        cursor.execute("SELECT tenants_customer_of_username('nobody')")
        assert cursor.fetchall() == [(None,)]
        cursor.execute("SELECT count(*) FROM tenants_user")
        assert cursor.fetchall() == [(0,)]


def test_orm__without_a_customer__finds_nobody(db: None) -> None:
    factories.customer()

    assert not Customer.objects.exists()
