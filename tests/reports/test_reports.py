"""Reports over HTTP: asked for, listed, read, fetched, deleted."""

import gzip
import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import Message
from reports.api import answers
from reports.models import Report, ReportChunk
from tenants.models import Role
from tests import factories
from tests.deployments.endings import patched
from tests.factories import Person
from tests.reports.files import ask, asked, downloaded, rows_of, told, write_all

JOB_PATHS = ["deploymentjobprogress", "deplymentjobprogress"]


def _codes(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(problem["field"], problem["code"]) for problem in answer.json()["errors"]]


@pytest.mark.parametrize("path", JOB_PATHS)
def test_ask__for_a_job_without_a_body__queues_a_report_of_all_runs(ada: Person, path: str) -> None:
    run = patched(ada, factories.asset(ada.customer))

    answer = ask(ada, f"{path}/{run.job.public_id}")

    assert answer.status_code == 202, answer.content
    answers.Report.model_validate_json(answer.content)
    row = answer.json()
    assert answer["Location"] == f"/pm/v1/reports/{row['id']}"
    assert (row["status"], row["kind"], row["reportSection"]) == ("Queued", "deploymentjobprogress", "hosts")
    assert (row["jobId"], row["jobName"], row["jobInstanceId"]) == (str(run.job.public_id), run.job.name, None)
    assert row["name"] == f"{run.job.name}, all runs, hosts"
    assert row["columns"][:2] == ["jobName", "jobInstanceId"]
    assert row["createdBy"]["user"]["name"] == "ada"
    assert ada.get(answer["Location"]).json() == row


def test_ask__in_every_detail__is_kept_as_it_was_asked(ada: Person) -> None:
    run = patched(ada, factories.asset(ada.customer))

    row = asked(
        ada,
        f"deploymentjobprogress/{run.job.public_id}",
        {
            "name": "for the board",
            "reportSection": "Patches",
            "columns": "assetName, status,patchTitle",
            "jobInstanceId": "1",
            "query": "name:host",
            "platform": "linux",
        },
    )

    assert row["name"] == "for the board"
    assert row["reportSection"] == "patches"
    assert row["columns"] == ["assetName", "status", "patchTitle"]
    assert (row["jobInstanceId"], row["query"], row["platform"]) == (1, "name:host", "Linux")


@pytest.mark.parametrize("body", [None, {}, {"columns": [], "query": "", "name": None, "reportSection": "null"}])
def test_ask__with_nothing_said__is_the_defaults(ada: Person, body: object) -> None:
    row = asked(ada, "assets", body)

    assert row["name"] == "Assets"
    assert row["reportSection"] == "assets"
    assert row["columns"][:3] == ["name", "id", "assetId"]
    assert row["query"] is None


def test_ask__with_everything_wrong__tells_all_of_it(ada: Person) -> None:
    run = patched(ada, factories.asset(ada.customer))

    answer = ada.post(
        f"report/deploymentjobprogress/{run.job.public_id}",
        {"columns": ["assetNam", "status", "kb"], "jobInstanceId": 7, "query": "nam:x", "platform": "Windows"},
    )

    assert _codes(answer) == [
        ("jobInstanceId", "unknown_id"),
        ("platform", "invalid"),
        ("columns[0]", "invalid"),
        ("columns[2]", "invalid"),
        ("query", "unknown_token"),
    ]
    assert "did you mean 'assetName'?" in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "body", "field", "code"),
    [
        ("assets", {"colums": ["name"]}, "colums", "unknown_key"),
        ("assets", {"reportSection": "hosts"}, "reportSection", "invalid"),
        ("assets", {"reportSection": "host"}, "reportSection", "invalid"),
        ("assets", {"platform": "macOS"}, "platform", "invalid"),
        ("assets", {"jobInstanceId": 1}, "jobInstanceId", "unknown_key"),
        ("assets", {"name": "x" * 257}, "name", "invalid"),
        ("assets", [], "", "invalid"),
        ("assets?bom=true", {}, "bom", "unknown_key"),
        ("missingpatches", {"platform": "Windows", "columns": ["package"]}, "columns[0]", "invalid"),
        ("missingpatches", {"query": "vendorSeverity:Terrible"}, "query", "wrong_type"),
    ],
)
def test_ask__for_what_cannot_be__is_refused(ada: Person, path: str, body: Any, field: str, code: str) -> None:
    answer = ada.post(f"report/{path}", body)

    assert [(one_field, one_code) for one_field, one_code in _codes(answer)] == [(field, code)]
    assert not Report.objects.exists()


def test_ask__for_anothers_job__is_not_found(ada: Person) -> None:
    stranger = factories.stranger()
    job = factories.job(stranger)

    for path in JOB_PATHS:
        assert ask(ada, f"{path}/{job.public_id}").status_code == 404
        assert ask(ada, f"{path}/{uuid.uuid4()}").status_code == 404


def test_ask__twice_with_one_key__makes_one_report(ada: Person) -> None:
    first, again = (asked(ada, "assets", {"name": "x"}, **{"Idempotency-Key": "one"}) for _ in range(2))
    other = ada.post("report/assets", {"name": "y"}, **{"Idempotency-Key": "one"})

    assert first == again
    assert other.status_code == 409
    assert Report.objects.count() == 1


def test_ask__while_many_wait__is_refused_until_one_is_written(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.services.queueing.MOST_UNFINISHED", 2)
    for _ in range(2):
        asked(ada, "assets")

    refused = ask(ada, "assets")
    write_all(ada)
    again = ask(ada, "assets")

    assert refused.status_code == 429
    assert refused.json()["errorCode"] == "1965"
    assert (refused["Retry-After"], refused["X-RateLimit-Limit"]) == ("30", "2")
    assert again.status_code == 202


def test_ask__by_a_viewer__is_done(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    report = asked(viewer, "missingpatches")
    write_all(viewer)

    assert downloaded(viewer, report["id"]).status_code == 200


def test_ask__without_signing_in__is_refused(ada: Person) -> None:
    assert ada.client.post("/pm/v1/report/assets").status_code == 401


def test_ask__for_a_deleted_jobs_runs__is_done(ada: Person) -> None:
    run = patched(ada, factories.asset(ada.customer))
    path = f"deploymentjobprogress/{run.job.public_id}"
    ada.delete(f"deploymentjob/{run.job.public_id}")

    assert len(rows_of(ada, path)) == 1


def test_write__then_read__tells_size_rows_and_digest_of_what_is_downloaded(ada: Person) -> None:
    factories.asset(ada.customer, "web-1")
    report = asked(ada, "assets", {"columns": ["name", "platform"]})

    write_all(ada)

    row = ada.get(f"reports/{report['id']}").json()
    answers.Report.model_validate_json(ada.get(f"reports/{report['id']}").content)
    answer = downloaded(ada, report["id"])
    assert answer.body == b"Name,Platform\r\nweb-1,Linux\r\n"
    assert (row["status"], row["rowCount"], row["size"]) == ("Ready", 1, len(answer.body))
    assert row["sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert row["downloadUrl"] == f"/pm/v1/reports/{report['id']}/download"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Length"] == str(len(answer.body))
    assert [told(f"report.{state}") for state in ("queued", "running", "ready")] == [1, 1, 1]
    assert not Message.objects.filter(task="reports.write").exists()


def test_download__where_gzip_is_taken__is_the_stored_stream(ada: Person) -> None:
    report = asked(ada, "assets")
    write_all(ada)

    plain = downloaded(ada, report["id"])
    packed = downloaded(ada, report["id"], **{"Accept-Encoding": "br, gzip;q=0.5"})
    refused = downloaded(ada, report["id"], **{"Accept-Encoding": "gzip;q=0, identity"})

    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert packed["Content-Length"] == str(len(packed.body))
    assert gzip.decompress(packed.body) == plain.body == refused.body


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}])
def test_download__with_a_byte_order_mark__begins_with_it(ada: Person, headers: dict[str, str]) -> None:
    report = asked(ada, "assets")
    write_all(ada)

    answer = downloaded(ada, report["id"], "?bom=true", **headers)

    assert answer.body == b"\xef\xbb\xbf" + downloaded(ada, report["id"]).body
    assert answer["Content-Length"] == str(len(answer.body))
    assert downloaded(ada, report["id"], "?bomb=true").status_code == 400


@pytest.mark.parametrize("accept", ["text/csv", "*/*", "application/json", "text/csv;q=0.9, */*;q=0.1"])
def test_download__whatever_is_accepted__is_csv(ada: Person, accept: str) -> None:
    report = asked(ada, "assets")
    write_all(ada)

    assert downloaded(ada, report["id"], Accept=accept)["Content-Type"].startswith("text/csv")
    assert downloaded(ada, str(uuid.uuid4()), Accept=accept).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Weekly, web servers", "Weekly_web_servers"),
        ('x"; filename="evil.exe', "x_filename_evil.exe"),
        ("../../etc/passwd", "etc_passwd"),
        ("a\r\nSet-Cookie: b=c", "a_Set-Cookie_b_c"),
        ("***", "report"),
        ("n" * 256, "n" * 100),
    ],
)
def test_download__of_any_name__has_a_safe_file_name(ada: Person, name: str, file: str) -> None:
    report = asked(ada, "assets", {"name": name})
    write_all(ada)

    disposition = downloaded(ada, report["id"])["Content-Disposition"]

    assert disposition == f'attachment; filename="{file}_{timezone.now():%Y-%m-%d}.csv"'


def test_download__of_a_name_in_other_letters__is_encoded(ada: Person) -> None:
    report = asked(ada, "assets", {"name": "Überblick"})
    write_all(ada)

    disposition = downloaded(ada, report["id"])["Content-Disposition"]

    assert disposition == f"attachment; filename*=utf-8''%C3%9Cberblick_{timezone.now():%Y-%m-%d}.csv"


def test_download__before_it_is_written__conflicts_and_says_how_far_it_is(ada: Person) -> None:
    report = asked(ada, "assets")

    queued = downloaded(ada, report["id"])
    Report.objects.update(state="Running", lease_until=timezone.now(), started_at=timezone.now())
    running = downloaded(ada, report["id"])
    Report.objects.update(state="Failed", lease_until=None, finished_at=timezone.now(), error="No worker.")
    failed = downloaded(ada, report["id"])

    assert [one.status_code for one in (queued, running, failed)] == [409, 409, 409]
    assert [one.json()["message"] for one in (queued, running, failed)] == [
        "This report is Queued; it can be downloaded when it is Ready.",
        "This report is Running; it can be downloaded when it is Ready.",
        "This report is Failed: No worker.",
    ]


def test_report__expired__is_gone(ada: Person) -> None:
    report = asked(ada, "assets")
    write_all(ada)
    Report.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert ada.get(f"reports/{report['id']}").status_code == 404
    assert downloaded(ada, report["id"]).status_code == 404
    assert ada.delete(f"reports/{report['id']}").status_code == 404
    assert ada.get("reports").json() == []


def test_report__kept__for_the_days_of_the_setting(ada: Person, settings: Any) -> None:
    settings.REPORT_DAYS = 2

    row = asked(ada, "assets")

    assert row["expiryDateTime"] - row["createdBy"]["date"] == 2 * 24 * 3600 * 1000


def test_delete__by_its_author__forgets_it_and_its_content(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    report = asked(viewer, "assets")
    write_all(viewer)

    answer = viewer.delete(f"reports/{report['id']}")

    assert (answer.status_code, answer.json()) == (200, {"deleted": report["id"]})
    assert not Report.objects.exists()
    assert not ReportChunk.objects.exists()


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.APPROVER, 403), (Role.ADMIN, 200)])
def test_delete__of_anothers_report__takes_an_administrator(ada: Person, role: Role, status: int) -> None:
    report = asked(ada, "assets")

    answer = factories.person(customer=ada.customer, role=role).delete(f"reports/{report['id']}")

    assert answer.status_code == status
    assert Report.objects.exists() == (status != 200)


def test_write__deleted_before__is_over(ada: Person) -> None:
    report = asked(ada, "assets")
    ada.delete(f"reports/{report['id']}")

    write_all(ada)

    assert not Message.objects.filter(task="reports.write").exists()
    assert not ReportChunk.objects.exists()


def test_list__newest_first__is_filtered_sorted_and_paged(ada: Person) -> None:
    for name in ("b", "a", "c"):
        asked(ada, "assets", {"name": name})
    asked(ada, "missingpatches")

    def names(query: str) -> list[str]:
        answer = ada.get(f"reports{query}")
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()]

    assert names("") == ["Missing patches", "c", "a", "b"]
    assert names("?sort=name&query=kind:assets") == ["a", "b", "c"]
    assert names("?query=status:Ready") == []
    assert names("?pageSize=1&pageNumber=1") == ["c"]
    asked(ada, "assets", {"name": "d", "platform": "linux"})
    assert names("?platform=Linux") == names("?platform=windows,linux") == ["d"]
    assert names("?platform=Windows") == []
    answers.Reports.model_validate_json(ada.get("reports").content)


def test_list__of_more_reports__takes_no_more_queries(ada: Person) -> None:
    run = patched(ada, factories.asset(ada.customer))
    path = f"deploymentjobprogress/{run.job.public_id}"

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert ada.get("reports").status_code == 200
        return len(captured)

    asked(ada, path, {"jobInstanceId": 1})
    few = queries()
    for _ in range(4):
        asked(ada, path, {"jobInstanceId": 1})

    assert queries() == few


def test_list__of_another_customer__is_of_its_own_alone(ada: Person) -> None:
    stranger = factories.stranger()
    report = asked(ada, "assets")

    assert stranger.get("reports").json() == []
    for path in (f"reports/{report['id']}", f"reports/{report['id']}/download"):
        assert stranger.get(path).status_code == 404
    assert stranger.delete(f"reports/{report['id']}").status_code == 404


def test_columns__all__are_listed_by_section(ada: Person) -> None:
    answer = ada.get("report/columns")

    answers.ReportColumns.model_validate_json(answer.content)
    rows = answer.json()
    assert {row["section"] for row in rows} == {"hosts", "patches", "actions", "runs", "assets", "missingPatches"}
    assert len({(row["section"], row["key"]) for row in rows}) == len(rows)
    assert len({(row["section"], row["title"]) for row in rows}) == len(rows)


def test_columns__of_a_platform_and_a_section__leave_the_others_out(ada: Person) -> None:
    def keys(query: str) -> set[str]:
        return {row["key"] for row in ada.get(f"report/columns?{query}").json()}

    windows, linux = (keys(f"reportSection=missingPatches&platform={one}") for one in ("Windows", "linux"))

    assert windows - linux == {"kb", "bulletin"}
    assert linux - windows == {"package", "fromVersion", "toVersion"}
    assert keys("reportSection=deploymentJobProgress") == keys("reportSection=hosts")


@pytest.mark.parametrize("query", ["platform=Mac", "reportSection=x", "section=hosts"])
def test_columns__of_what_there_is_not__is_refused(ada: Person, query: str) -> None:
    assert ada.get(f"report/columns?{query}").status_code == 400
