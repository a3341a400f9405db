"""Very many jobs of one customer among others: a few by the service's own code, copied by set-based SQL.

The copies are made by the embedded server's superuser without checks of references, which would take most of the time;
they hold, since a copy points to what its template points to.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from django.db.models import Model
from django.utils import timezone

from core.customer_context import acting_for
from deployments import services as deployments
from deployments.models import Job, JobAction, JobAsset, JobCoAuthor, JobPatch, JobTag, Run
from embedded.postgres import SUPERUSER, Postgres
from embedded.secrets import load
from inventory import services as inventory
from inventory.descriptions import Machine
from inventory.models import Patch, Platform
from tenants import services as tenants
from tenants.models import User

PASSWORD = "a long phrase that nobody else has"  # noqa: S105 - of a customer that ends with the benchmark
TEMPLATES = 40
OTHERS, JOBS_OF_OTHERS = 20, 5_000
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class Filled:
    """The customer whose lists are read."""

    customer_id: int
    username: str
    jobs: int


def fill(*, folder: Path, jobs: int) -> Filled:
    """One customer with so many jobs, and twenty others with five thousand each."""
    server = Postgres(data_dir=folder, secrets=load(folder))
    with closing(psycopg2.connect(server.url(SUPERUSER))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        big = _customer(cursor, "big", jobs)
        for number in range(OTHERS):
            _customer(cursor, f"other-{number}", min(JOBS_OF_OTHERS, jobs))
        # What autovacuum does in its own time: statistics, and which pages of the tables are all visible.
        cursor.execute("VACUUM ANALYZE")
    return big


def _customer(cursor: Any, name: str, jobs: int) -> Filled:
    made = tenants.create_customer(
        name=name, username=name, password=PASSWORD, email=f"{name}@example.com", at=timezone.now()
    )
    customer_id = made.customer.pk
    with acting_for(customer_id):
        templates = _templates(made.admin)
    done = len(templates)
    while done < jobs:
        many = min(_BATCH, jobs - done)
        _copy(cursor, templates, many)
        done += many
        print(f"\r{name}: {done:,} jobs", end="", flush=True)
    print()
    return Filled(customer_id=customer_id, username=name, jobs=jobs)


def _templates(user: User) -> list[int]:
    """Jobs as people make them: two patches, an asset, a tag; some with an action, a co-author, a message."""
    tags = [
        inventory.create_tag(customer_id=user.customer_id, name=f"tag {n}", parent=None, at=timezone.now())
        for n in range(8)
    ]
    patches = Patch.objects.bulk_create(_patch(user.customer_id, n) for n in range(TEMPLATES * 2))
    hosts = [_asset(user.customer_id, n) for n in range(TEMPLATES)]
    return [
        deployments.create(
            customer_id=user.customer_id,
            user=user,
            at=timezone.now(),
            body={
                "name": f"template {n}",
                "type": "Install",
                "platform": "Linux",
                "scheduleType": "Weekly",
                "startDateTime": "2030-1-1 02:30:00 AM",
                "recurringWeekDays": "0,0,1,0,0,0,0",
                "timezone": "Europe/Berlin",
                "approvedPatches": [str(one.public_id) for one in patches[n * 2 : n * 2 + 2]],
                "assetIds": [str(hosts[n].public_id)],
                "assetTagIds": [str(tags[n % len(tags)].public_id)],
                "preDeployActions": [_ACTION] if n % 2 else None,
                "coAuthorUserIds": [str(user.public_id)] if n % 4 == 0 else None,
                "preDeployment": "Updates are about to be installed." if n % 3 == 0 else None,
            },
        ).pk
        for n in range(TEMPLATES)
    ]


_ACTION = {
    "action": "Run Script",
    "params": {"actionItem": "say hello"},
    "script": "ZWNobyBoZWxsbw==",
    "scriptType": "sh",
}


def _patch(customer_id: int, number: int) -> Patch:
    return Patch(
        customer_id=customer_id,
        platform=Platform.LINUX,
        package_manager="apt",
        package=f"package-{number}",
        version="2.0",
        architecture="all",
        title=f"package-{number} 2.0",
    )


def _asset(customer_id: int, number: int) -> Any:
    machine = Machine(
        name=f"host-{number}", platform=Platform.LINUX, os_identifier=f"machine-{number}", package_manager="apt"
    )
    return inventory.register_asset(customer_id=customer_id, machine=machine, at=timezone.now())


# --- copies -----------------------------------------------------------------------------------------------------------

# The number n of each copy, and the template t that it is a copy of.
_COPIES = (
    "FROM generate_series(0, %(many)s - 1) AS n "
    "JOIN unnest(%(templates)s) WITH ORDINALITY AS chosen(id, place) ON place = 1 + n %% %(kinds)s "
)
_JOB = {
    "id": "%(first)s + n",
    "public_id": "gen_random_uuid()",
    "name": "'Weekly ' || md5(n::text)",
    "created_at": "t.created_at + n * interval '1 second'",
    "updated_at": "CASE WHEN n %% 3 = 0 THEN t.created_at + n * interval '2 seconds' END",
    "updated_by_id": "CASE WHEN n %% 3 = 0 THEN t.created_by_id END",
    "last_instance": "CASE WHEN n %% 4 = 0 THEN 1 ELSE 0 END",
}
_LINK = {"job_id": "%(first)s + n"}
_RUN = _LINK | {
    "customer_id": "t.customer_id",
    "instance": "1",
    "trigger": "'user'",
    "scheduled_for": "t.created_at",
    "deadline": "t.created_at + interval '1 day'",
    "state": "'Completed'",
    "state_changed_at": "t.created_at",
    "reason": "'done'",
    "note": "''",
    "plan_hash": "''",
    "children_wait": "false",
    "opened_at": "t.created_at",
    "started_at": "t.created_at",
    "finished_at": "t.created_at + interval '10 minutes'",
    "snapshot": "'{}'",
    "counts": """'{"Succeeded": 2}'""",
}


def _copy(cursor: Any, templates: list[int], many: int) -> None:
    """So many jobs, each like a template, with that one's links. One of three was changed, one of four had a run."""
    values = {
        "first": reserved(cursor, Job, many),
        "many": many,
        "templates": list(templates),
        "kinds": len(templates),
    }
    table = Job._meta.db_table
    insert(cursor, Job, columns_of(Job) | _JOB, f"{_COPIES} JOIN {table} t ON t.id = chosen.id", values)
    for model in (JobPatch, JobAsset, JobTag, JobCoAuthor):
        insert(
            cursor,
            model,
            columns_of(model) | _LINK,
            f"{_COPIES} JOIN {model._meta.db_table} t ON t.job_id = chosen.id",
            values,
        )
    actions = columns_of(JobAction) | _LINK | {"public_id": "gen_random_uuid()"}
    insert(cursor, JobAction, actions, f"{_COPIES} JOIN {JobAction._meta.db_table} t ON t.job_id = chosen.id", values)
    insert(cursor, Run, _RUN, f"{_COPIES} JOIN {table} t ON t.id = chosen.id WHERE n %% 4 = 0", values)


def _of_template(model: type[Model]) -> str:
    return f"{_COPIES} JOIN {model._meta.db_table} t ON t.job_id = chosen.id"


def reserved(cursor: Any, model: type[Model], many: int) -> int:
    """The first of so many numbers that are nobody else's: nothing else makes jobs meanwhile."""
    following = "nextval(pg_get_serial_sequence(%s, 'id'))"
    cursor.execute(f"SELECT min({following}) FROM generate_series(1, %s)", [model._meta.db_table, many])  # noqa: S608
    return int(cursor.fetchone()[0])


def columns_of(model: type[Model]) -> dict[str, str]:
    """Every column as the template has it, but for its number."""
    return {str(one.column): f"t.{one.column}" for one in model._meta.concrete_fields if not one.primary_key}


def insert(cursor: Any, model: type[Model], made: Mapping[str, str], source: str, values: Mapping[str, Any]) -> None:
    """Rows of a table from a query: each column's expression by its name."""
    # Names of our own tables and columns, and nothing from outside.
    columns, expressions = ", ".join(made), ", ".join(made.values())
    cursor.execute(f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {expressions} {source}", values)
