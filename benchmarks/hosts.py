"""A run of very many hosts: one by the service's own code, copied by set-based SQL."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from django.utils import timezone

from benchmarks import filling
from core.customer_context import acting_for
from deployments import services as deployments
from deployments.models import HostTask, Run, Step
from embedded.errors import EmbeddedError
from embedded.postgres import SUPERUSER, Postgres
from embedded.secrets import load
from inventory import services as inventory
from inventory.descriptions import Machine
from inventory.models import Asset, Patch, Platform
from tenants import services as tenants
from tenants.models import User

USERNAME = "many-hosts"
_BATCH = 100_000
# The number n of each copy, and the template t.
_COPIES = "FROM generate_series(0, %(many)s - 1) AS n, {table} t WHERE t.id = %(template)s"


@dataclass(frozen=True, slots=True)
class Template:
    """The rows that are copied."""

    asset: Asset
    task: HostTask
    step: Step


def fill(*, folder: Path, hosts: int) -> str:
    """A run on so many hosts, all of which have installed one patch, of a new customer. Returns the job's id."""
    made = tenants.create_customer(
        name=USERNAME, username=USERNAME, password=filling.PASSWORD, email="many@example.com", at=timezone.now()
    )
    job_id, template = _one(made.admin)
    server = Postgres(data_dir=folder, secrets=load(folder))
    with closing(psycopg2.connect(server.url(SUPERUSER))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        for done in range(1, hosts, _BATCH):
            _copy(cursor, template, done, min(_BATCH, hosts - done))
            print(f"\r{done:,} hosts", end="", flush=True)
        print()
        cursor.execute("VACUUM ANALYZE")
    return job_id


def _one(admin: User) -> tuple[str, Template]:
    """A run on one host, which ends it."""
    customer_id, at = admin.customer_id, timezone.now()
    machine = Machine(name="host-0", platform=Platform.LINUX, os_identifier="machine-0", package_manager="apt")
    with acting_for(customer_id):
        asset = inventory.register_asset(customer_id=customer_id, machine=machine, at=at)
        patch = Patch.objects.create(
            customer_id=customer_id,
            platform=Platform.LINUX,
            package_manager="apt",
            package="acme-app",
            version="2.0",
            architecture="all",
            title="acme-app 2.0",
        )
        body = {
            "name": "Everywhere",
            "type": "Install",
            "platform": "Linux",
            "scheduleType": "On-demand",
            "status": "Enabled",
            "approvedPatches": [str(patch.public_id)],
            "assetIds": [str(asset.public_id)],
        }
        job = deployments.create(customer_id=customer_id, user=admin, body=body, at=at)
    task = _task_of(customer_id, job.pk)
    with acting_for(customer_id):
        step = Step.objects.create(
            customer_id=customer_id,
            host_task=task,
            attempt=0,
            number=1,
            kind="patch",
            title=patch.title,
            patch=patch,
            state="Succeeded",
            reason="done",
            verified=True,
        )
    return str(job.public_id), Template(asset=asset, task=task, step=step)


def _task_of(customer_id: int, job_id: int) -> HostTask:
    """The host task of the job's run, once a worker has made it."""
    for _ in range(300):
        with acting_for(customer_id):
            run = Run.objects.filter(job=job_id).first()
            task = HostTask.objects.filter(run=run).first() if run else None
        if task is not None:
            return task
        time.sleep(0.1)
    raise EmbeddedError("No worker made the host task of the run.")


def _copy(cursor: Any, template: Template, done: int, many: int) -> None:
    """So many hosts more, each with its host task and its step."""
    values = {"many": many}
    asset_id, task_id = (filling.reserved(cursor, model, many) for model in (Asset, HostTask))
    asset = {
        "id": f"{asset_id} + n",
        "public_id": "gen_random_uuid()",
        "number": f"{done} + 1 + n",
        "name": f"'host-' || {done} + n",
    }
    task = {
        "id": f"{task_id} + n",
        "asset_id": f"{asset_id} + n",
        "state": "'Succeeded'",
        "reason": "'verified'",
        "started_at": "t.start_at",
        "finished_at": "t.start_at + n %% 900 * interval '1 second'",
    }
    step = {"host_task_id": f"{task_id} + n"}
    for model, one, changes in (
        (Asset, template.asset, asset),
        (HostTask, template.task, task),
        (Step, template.step, step),
    ):
        source = _COPIES.format(table=model._meta.db_table)
        made = filling.columns_of(model) | changes
        filling.insert(cursor, model, made, source, values | {"template": one.pk})
