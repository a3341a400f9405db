"""Workers that write reports: several at one, one that dies, one that is too late."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from core.customer_context import acting_for
from core.errors import Conflict
from core.models import Message
from reports import sections, services
from reports.models import Report, ReportChunk, ReportKind, ReportSection
from reports.services import writing
from reports.services.writing import LEASE
from reports.states import ReportState
from tests import factories
from tests.factories import Person, at_once
from tests.reports.files import asked, downloaded, told, write_all

# Written out again: a test that reads the code's own table agrees with any mistake.
MOVES = {
    ("Queued", "Running"),
    ("Running", "Queued"),
    ("Running", "Ready"),
    ("Running", "Failed"),
}


@pytest.fixture
def acme(committed: None) -> Person:
    """An administrator of a customer with three assets, committed."""
    person = factories.person(customer=factories.customer())
    for _ in range(3):
        factories.asset(person.customer)
    return person


@pytest.fixture
def report(acme: Person) -> Report:
    """A report that waits to be written, committed."""
    with acting_for(acme.customer.pk):
        wish = services.Wish(kind=ReportKind.ASSETS)
        return services.queue(user=acme.user, wish=wish, at=timezone.now())


def _write(report: Report) -> bool:
    return services.write(customer_id=report.customer_id, report_id=report.pk)


def _now(report: Report) -> Report:
    with acting_for(report.customer_id):
        return Report.objects.get(pk=report.pk)


def _chunks(report: Report) -> int:
    with acting_for(report.customer_id):
        return ReportChunk.objects.filter(report=report).count()


def _dies(*_: object, **__: object) -> Iterator[list[Any]]:
    """Pages of which the second takes the worker with it."""
    yield []
    raise MemoryError


def _pages(monkeypatch: pytest.MonkeyPatch, pages: Any) -> None:
    """Let the section of assets have these pages."""
    section = sections.SECTIONS[ReportSection.ASSETS]
    broken = sections.Section(
        name=section.name, kind=section.kind, columns=section.columns, tokens=section.tokens, pages=pages
    )
    monkeypatch.setattr(sections, "SECTIONS", {**sections.SECTIONS, section.name: broken})


@pytest.mark.parametrize("old", ReportState.values)
@pytest.mark.parametrize("new", ReportState.values)
def test_move__legal_or_not__is_as_the_table_says(ada: Person, old: str, new: str) -> None:
    row = Report(state=old, job=None)

    if (old, new) in MOVES:
        with pytest.raises(Conflict, match="somebody else"):
            # It is not stored: so far, and no further.
            row.move_to(new, at=timezone.now())
    else:
        with pytest.raises(Conflict, match=f"is {old}; it cannot become {new}"):
            row.move_to(new, at=timezone.now())


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "Running"}, "a_report_has_a_lease_if_and_only_if_running"),
        ({"lease_until": timezone.now()}, "a_report_has_a_lease_if_and_only_if_running"),
        ({"state": "Failed", "error": "x"}, "a_report_has_an_end_if_and_only_if_final"),
        ({"finished_at": timezone.now()}, "a_report_has_an_end_if_and_only_if_final"),
        ({"state": "Ready", "finished_at": timezone.now()}, "a_report_has_its_figures_if_and_only_if_ready"),
        ({"row_count": 1}, "a_report_has_its_figures_if_and_only_if_ready"),
        ({"state": "Failed", "finished_at": timezone.now()}, "a_report_says_what_failed_if_and_only_if_failed"),
        ({"error": "x"}, "a_report_says_what_failed_if_and_only_if_failed"),
        ({"kind": "deploymentjobprogress"}, "a_report_has_a_job_if_and_only_if_about_one"),
    ],
)
def test_row__that_must_never_be__is_refused(ada: Person, changes: dict[str, Any], constraint: str) -> None:
    asked(ada, "assets")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Report.objects.update(**changes)


@pytest.mark.parametrize("data", [b"", b"x" * (ReportChunk.LARGEST + 1)])
def test_chunk__empty_or_too_large__is_refused(ada: Person, data: bytes) -> None:
    asked(ada, "assets")

    with pytest.raises(IntegrityError, match="a_chunk_is_at_most_a_mebibyte"), transaction.atomic():
        ReportChunk.objects.create(customer=ada.customer, report=Report.objects.get(), number=0, data=data)


def test_write__by_four_workers_at_once__is_done_by_one(acme: Person, report: Report) -> None:
    done = at_once(lambda: _write(report), threads=4)

    assert all(isinstance(one, bool) for one in done), done
    found = _now(report)
    assert (found.state, found.attempts, found.row_count) == ("Ready", 1, 3)
    assert _chunks(report) == found.chunk_count
    with acting_for(acme.customer.pk):
        assert told("report.running") == told("report.ready") == 1


def test_write__while_another_worker_is_at_it__leaves_it_alone(
    acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> Iterator[list[Any]]:
        began.set()
        assert go_on.wait(timeout=20)
        yield []

    def second() -> bool:
        assert began.wait(timeout=20)
        try:
            return _write(report)
        finally:
            go_on.set()

    _pages(monkeypatch, slow)

    done = at_once(lambda work: work(), lambda: _write(report), second)

    assert done == [True, False]
    assert _now(report).state == "Ready"


def test_worker__dies__leaves_a_report_that_the_sweep_queues_again(
    acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _pages(patch, _dies)
        with pytest.raises(MemoryError):
            _write(report)
    left = _now(report)
    assert (left.state, left.attempts) == ("Running", 1)

    services.sweep(at=timezone.now())
    assert _now(report).state == "Running", "its lease goes on"
    services.sweep(at=timezone.now() + LEASE)

    assert _now(report).state == "Queued"
    with acting_for(acme.customer.pk):
        assert Message.objects.filter(task="reports.write").count() == 2
        write_all(acme)
        assert not Message.objects.filter(task="reports.write").exists()
    found = _now(report)
    assert (found.state, found.attempts, found.row_count) == ("Ready", 2, 3)
    assert downloaded(acme, str(report.public_id)).body.count(b"\r\n") == 4


def test_workers__die_each_time__make_it_failed_with_a_reason(
    acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pages(monkeypatch, _dies)

    for _ in range(services.MAX_ATTEMPTS):
        with pytest.raises(MemoryError):
            _write(report)
        services.sweep(at=timezone.now() + LEASE)

    found = _now(report)
    assert (found.state, found.attempts) == ("Failed", 3)
    assert found.error == "It was begun 3 times, and no worker came to its end."
    assert _write(report) is True
    assert _chunks(report) == 0
    assert acme.get(f"reports/{report.public_id}").json()["error"] == found.error


def test_worker__whose_report_was_given_away__keeps_nothing_of_it(
    acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was silent for longer than its lease, but lives."""

    def overtaken(*_: object) -> Iterator[list[Any]]:
        yield []
        mine = Report.objects.filter(pk=report.pk)
        mine.update(lease_until=timezone.now() - timedelta(seconds=1))
        # The other worker's, as it would be after the sweep and its claim.
        mine.update(attempts=2, lease_until=timezone.now() + LEASE)
        yield [object()]

    _pages(monkeypatch, overtaken)

    assert _write(report) is False

    found = _now(report)
    # The page in which it found out was undone as a whole.
    assert (found.state, found.attempts) == ("Running", 1)
    with acting_for(acme.customer.pk):
        assert told("report.ready") == 0


def test_worker__whose_report_is_deleted__stops(acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def deleted(*_: object) -> Iterator[list[Any]]:
        yield []
        Report.objects.filter(pk=report.pk).delete()

    _pages(monkeypatch, deleted)

    assert _write(report) is False


@pytest.mark.parametrize("by", ["author", "sweep"])
def test_delete__while_the_worker_keeps_a_page__waits_for_it(
    acme: Person, report: Report, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    keeping, gone = threading.Event(), []

    def renew(held: Report, *, at: datetime) -> None:
        real(held, at=at)
        keeping.set()
        factories.until_somebody_waits()

    def delete() -> None:
        keeping.wait(30)
        if by == "author":
            gone.append(acme.delete(f"reports/{report.public_id}").status_code)
        else:
            gone.append(services.sweep(at=timezone.now() + timedelta(days=30)))
        connections.close_all()

    _pages(monkeypatch, lambda *_: iter(()))
    real = writing._renew
    monkeypatch.setattr(writing, "_renew", renew)
    deletion = threading.Thread(target=delete)
    deletion.start()

    _write(report)
    deletion.join(30)

    assert gone == [200 if by == "author" else None]
    with acting_for(acme.customer.pk):
        assert not Report.objects.exists()
        assert not ReportChunk.objects.exists()


def test_sweep__of_expired_reports__deletes_them_with_their_content(acme: Person, report: Report) -> None:
    _write(report)

    services.sweep(at=_now(report).expires_at)
    assert _chunks(report) == 1, "whoever began to fetch it may come to its end"
    services.sweep(at=_now(report).expires_at + timedelta(hours=1))

    assert _chunks(report) == 0
    with acting_for(acme.customer.pk):
        assert not Report.objects.exists()


def test_download__deleted_meanwhile__breaks_off(acme: Person, report: Report) -> None:
    _write(report)
    answer = acme.get(f"reports/{report.public_id}/download")
    acme.delete(f"reports/{report.public_id}")

    with pytest.raises(services.ContentGone):
        b"".join(answer.streaming_content)
