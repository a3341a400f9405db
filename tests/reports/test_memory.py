"""A long report takes no more memory than a short one."""

import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from core.customer_context import acting_for
from deployments.models import HostTask, Run
from inventory.models import Asset
from reports import services
from reports.models import ReportChunk, ReportKind
from tests import factories
from tests.deployments.endings import patched
from tests.factories import Person

PAGE = 100
FEW, MANY = 400, 4_000
# `make bench` writes a million rows.
COLUMNS = ["assetName", "assetId", "status", "deadline"]


def _copy(model: type[Model], template: Any, many: int, **made: str) -> None:
    """So many rows like the template, with other values in some columns, by one statement."""
    table = model._meta.db_table
    columns = {str(one.column): f"t.{one.column}" for one in model._meta.concrete_fields if not one.primary_key} | made
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
            f"FROM {table} t, generate_series(1, %s) AS n WHERE t.id = %s",
            [many, template.pk],
        )


def _on_hosts(ada: Person, many: int) -> Run:
    """A run on so many hosts, all of which wait for their work."""
    host = factories.asset(ada.customer)
    run = patched(ada, host, packages=(f"package-{many}",))
    task = HostTask.objects.get(run=run)
    _copy(Asset, host, many - 1, public_id="gen_random_uuid()", number=f"{10 * many} + n", name="'host ' || n")
    (first,) = Asset.objects.filter(number=10 * many + 1).values_list("pk", flat=True)
    _copy(HostTask, task, many - 1, asset_id=f"{first} - 1 + n")
    return run


def _peak(ada: Person, many: int) -> int:
    """The most bytes that writing a report of so many rows took at a time."""
    with acting_for(ada.customer.pk):
        run = _on_hosts(ada, many)
        wish = services.Wish(kind=ReportKind.JOB_PROGRESS, job=run.job, columns=COLUMNS)
        report = services.queue(user=ada.user, wish=wish, at=timezone.now())
    tracemalloc.start()
    try:
        assert services.write(customer_id=ada.customer.pk, report_id=report.pk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    with acting_for(ada.customer.pk):
        report.refresh_from_db()
    assert (report.state, report.row_count) == ("Ready", many)
    assert many < FEW or report.chunk_count > 1
    return peak


def test_write__of_ten_times_the_rows__takes_no_more_memory(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = factories.person(customer=factories.customer())
    # Small enough that both reports have pages and chunks enough.
    monkeypatch.setattr(ReportChunk, "LARGEST", 4 * 1024)
    monkeypatch.setattr("reports.sections.hosts.tasks_by_page.__kwdefaults__", {"page": PAGE})
    # What the first one alone takes, such as compiled queries, stays.
    _peak(ada, 10)
    few = _peak(ada, FEW)

    many = _peak(ada, MANY)

    assert many < few * 1.5, f"{many:,} bytes for {MANY:,} rows, {few:,} for {FEW:,}"
