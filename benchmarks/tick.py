"""The tick over many recurring jobs and over few, with as many due: on servers of its own, beside bare SQL."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import django
import psycopg2

from embedded import environment
from embedded.errors import EmbeddedError
from embedded.files import ROOT
from embedded.postgres import SUPERUSER, Postgres
from embedded.secrets import load

TARGET = 1.5
DUE, FEW, CUSTOMERS = 100, 10_000, 20
_BATCH = 100_000
_SCHEDULES: tuple[Mapping[str, object], ...] = (
    {"scheduleType": "Daily"},
    {"scheduleType": "Weekly", "recurringWeekDays": "0,1,0,0,1,0,0"},
    {"scheduleType": "Monthly", "dayOfMonth": 31},
    {"scheduleType": "Monthly", "recurringDayOfMonth": 5, "recurringWeekDayOfMonth": 5},
    {"scheduleType": "Monthly", "monthlyRecurringType": 1, "patchTuesdayPlusXDays": 3},
)
_BARE = """
WITH due AS (
    SELECT id, customer_id, last_instance, next_run_at FROM deployments_job
    WHERE state = 'Enabled' AND due_at <= now() ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED
), opened AS (
    INSERT INTO deployments_run (customer_id, job_id, instance, trigger, scheduled_for, deadline, state,
        state_changed_at, reason, note, opened_at, snapshot, counts, children_wait, plan_hash)
    SELECT customer_id, id, last_instance + 1, 'schedule', next_run_at, next_run_at + interval '1 day', 'Pending',
        now(), '', '', now(), '{}', '{}', false, '' FROM due
)
UPDATE deployments_job j SET next_run_at = j.next_run_at + interval '7 days',
    due_at = j.next_run_at + interval '7 days', last_instance = j.last_instance + 1 FROM due WHERE j.id = due.id
"""


@dataclass(frozen=True)
class Found:
    """Medians in milliseconds by the number of jobs, of the tick ("service") and of one bare statement."""

    rounds: int
    medians: Mapping[int, Mapping[str, float]]

    @property
    def ratio(self) -> float:
        """What the tick over many costs beside the tick over few."""
        return self.medians[max(self.medians)]["service"] / self.medians[min(self.medians)]["service"]

    @property
    def met(self) -> bool:
        """Whether its cost depends on how many are due, and not on how many there are."""
        return self.ratio <= TARGET

    def described(self) -> str:
        """The figures as a page of text."""
        text = (
            f"Recurring jobs of {CUSTOMERS} customers, {DUE} of them due: one tick, which opens their runs, tells so "
            f"in the outbox and reckons their next starts. Medians of {self.rounds} rounds, in turns, in milliseconds. "
            "Bare is one SQL statement that claims the same jobs, stores their runs and puts off their next starts by "
            "a week: no events, no arithmetic of schedules, no freezes, no late starts."
        )
        rows = [
            f"| {jobs:,} | {one['service']:.1f} | {one['bare']:.1f} | {one['service'] / one['bare']:.1f} |"
            for jobs, one in sorted(self.medians.items())
        ]
        head = "| jobs | tick | bare | times |\n|---|---|---|---|"
        last = (
            f"The tick over the many takes {self.ratio:.2f} times as long as over the few (target: {TARGET} at most)."
        )
        return "\n\n".join(["## The tick", fill(text, width=120), "\n".join([head, *rows]), last])


def measure(*, folder: Path, jobs: int, rounds: int) -> Found:
    """In a process of its own, since it has a database of its own. Raises EmbeddedError."""
    command = [sys.executable, "-m", "benchmarks.tick", "--jobs", str(jobs), "--rounds", str(rounds)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"BENCH_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(f"The measuring of the tick ended with {done.returncode}.")
    told = json.loads(done.stdout.splitlines()[-1])
    return Found(rounds=rounds, medians={int(jobs): one for jobs, one in told.items()})


# --- the process ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Print the medians as JSON."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.tick", description=__doc__)
    options.add_argument("--jobs", type=int, required=True)
    options.add_argument("--rounds", type=int, required=True)
    wanted = options.parse_args()
    folder = Path(os.environ["BENCH_FOLDER"])
    environment.prepare(data_dir=folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    django.setup()
    # Commands can be called once Django is set up.
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    server = Postgres(data_dir=folder, secrets=load(folder))
    with closing(psycopg2.connect(server.url(SUPERUSER))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        templates = _templates()
        found = {}
        for jobs in (FEW, wanted.jobs):
            _fill(cursor, templates, jobs)
            found[jobs] = _compare(cursor, wanted.rounds)
    print(json.dumps(found))


def _templates() -> list[int]:
    """One enabled job of each kind for each customer, made by the service's own code."""
    # Models can be imported once Django is set up.
    from django.utils import timezone  # noqa: PLC0415

    from benchmarks.filling import PASSWORD  # noqa: PLC0415
    from core.customer_context import acting_for  # noqa: PLC0415
    from deployments import services as deployments  # noqa: PLC0415
    from inventory import services as inventory  # noqa: PLC0415
    from inventory.descriptions import Machine  # noqa: PLC0415
    from tenants import services as tenants  # noqa: PLC0415

    made: list[int] = []
    for number in range(CUSTOMERS):
        name = f"customer-{number}"
        customer = tenants.create_customer(
            name=name, username=name, password=PASSWORD, email=f"{name}@example.com", at=timezone.now()
        )
        machine = Machine(name="host", platform="Linux", os_identifier="host", package_manager="apt")
        with acting_for(customer.customer.pk):
            asset = inventory.register_asset(customer_id=customer.customer.pk, machine=machine, at=timezone.now())
            for place, schedule in enumerate(_SCHEDULES):
                body = {
                    "name": f"template {place}",
                    "type": "Install",
                    "platform": "Linux",
                    "status": "Enabled",
                    "startDateTime": "2025-1-1 02:30:00 AM",
                    "timezone": ("Europe/Berlin", "America/New_York", "UTC")[number % 3],
                    "assetIds": [str(asset.public_id)],
                    "preDeployActions": [_ACTION],
                }
                job = deployments.create(
                    customer_id=customer.customer.pk, user=customer.admin, body={**body, **schedule}, at=timezone.now()
                )
                made.append(job.pk)
    return made


_ACTION = {
    "action": "Run Script",
    "params": {"actionItem": "say hello"},
    "script": "ZWNobyBoZWxsbw==",
    "scriptType": "sh",
}


def _fill(cursor: Any, templates: list[int], jobs: int) -> None:
    """Copies of the templates, until there are so many jobs; their next starts come in the next thirty days."""
    from benchmarks import filling  # noqa: PLC0415
    from deployments.models import Job  # noqa: PLC0415

    changes = {
        "public_id": "gen_random_uuid()",
        "name": "'job ' || n",
        "next_run_at": "now() + interval '1 hour' + n % 2592000 * interval '1 second'",
        "due_at": "now() + interval '1 hour' + n % 2592000 * interval '1 second'",
    }
    cursor.execute("SELECT count(*) FROM deployments_job")
    done = cursor.fetchone()[0]
    while done < jobs:
        many = min(_BATCH, jobs - done)
        source = (
            "FROM generate_series(%(done)s, %(done)s + %(many)s - 1) AS n "
            "JOIN unnest(%(templates)s) WITH ORDINALITY AS chosen(id, place) ON place = 1 + n %% %(kinds)s "
            "JOIN deployments_job t ON t.id = chosen.id"
        )
        made = {name: value.replace("%", "%%") for name, value in (filling.columns_of(Job) | changes).items()}
        values = {"done": done, "many": many, "templates": templates, "kinds": len(templates)}
        filling.insert(cursor, Job, made, source, values)
        done += many
        print(f"\r{done:,} recurring jobs", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    cursor.execute("VACUUM ANALYZE")


def _compare(cursor: Any, rounds: int) -> dict[str, float]:
    from deployments import services  # noqa: PLC0415

    worker = psycopg2.connect(os.environ["DATABASE_URL"])
    taken: dict[str, list[float]] = {"service": [], "bare": []}
    calls: Mapping[str, Callable[[], object]] = {"service": services.tick, "bare": lambda: _bare(worker)}
    # The first round warms caches.
    for number in range(rounds + 1):
        for who, call in calls.items():
            _make_due(cursor)
            began = time.perf_counter()
            call()
            seconds = time.perf_counter() - began
            _check_settled(cursor)
            if number:
                taken[who].append(seconds * 1000)
    worker.close()
    return {who: statistics.median(one) for who, one in taken.items()}


def _make_due(cursor: Any) -> None:
    """So many jobs all over the table, due since a moment ago."""
    cursor.execute(
        "WITH chosen AS (SELECT id FROM deployments_job WHERE due_at > now() ORDER BY public_id LIMIT %s) "
        "UPDATE deployments_job SET public_id = gen_random_uuid(), next_run_at = now() - interval '1 second', "
        "due_at = now() - interval '1 second' WHERE id IN (SELECT id FROM chosen)",
        [DUE],
    )


def _check_settled(cursor: Any) -> None:
    cursor.execute("SELECT count(*) FROM deployments_job WHERE due_at <= now()")
    if left := cursor.fetchone()[0]:
        raise EmbeddedError(f"{left} jobs were left by a tick.")


def _bare(worker: Any) -> None:
    with worker, worker.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE patch_scheduler")
        cursor.execute(_BARE)


if __name__ == "__main__":
    main()
