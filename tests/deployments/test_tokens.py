"""What queries say of jobs, asked of the real database."""

from datetime import timedelta

import pytest

from core.query import compile_query
from deployments.models import Job
from deployments.tokens import JOB_TOKENS
from tests import factories
from tests.factories import NOW, Person
from tests.inventory.test_tokens import questions


@pytest.fixture
def jobs(ada: Person) -> None:
    """Three jobs: two of ada's, and one of bob's."""
    acme = ada.customer
    production, web = factories.tag(acme, "Production"), factories.tag(acme, "web")
    patches = [str(factories.patch(acme, name).public_id) for name in ("acme-app", "acme-lib")]
    bob = factories.person(customer=acme, username="bob")
    factories.job(
        ada,
        name="Weekly 100%",
        externalId="ext-1",
        description="kernel and more",
        approvedPatches=patches,
        assetTagIds=[str(production.public_id), str(web.public_id)],
        coAuthorUserIds=[str(bob.user.public_id)],
        remediationQids=[38863, 5],
        isVulnContext=True,
    )
    factories.job(
        ada,
        name="Rollback",
        type="Rollback",
        approvedPatches=patches[:1],
        at=NOW + timedelta(days=1),
        exclusionTagIds=[str(production.public_id)],
        description="",
    )
    start = {"scheduleType": "Once", "startDateTime": "2026-12-24 11:30:00 PM", "timezone": "Europe/Berlin"}
    factories.job(bob, name="once_only", **start)


def names(query: str) -> list[str]:
    """The jobs that a query finds; one that came twice would be here twice."""
    return sorted(job.name for job in Job.objects.live().filter(compile_query(query, JOB_TOKENS, now=NOW)))


@pytest.mark.parametrize("name", JOB_TOKENS)
def test_token__every_question__splits_the_rows_in_two(jobs: None, name: str) -> None:
    everybody = sorted(Job.objects.values_list("name", flat=True))

    for question in questions(JOB_TOKENS[name]):
        assert sorted(names(f"{name}{question}") + names(f"not {name}{question}")) == everybody, question


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:weekly", ["Weekly 100%"]),
        ("name:0%", ["Weekly 100%"]),
        ("name:_", ["once_only"]),
        ("externalId:'ext-1'", ["Weekly 100%"]),
        ("not externalId:ext", ["Rollback", "once_only"]),
        ("description:null", ["Rollback", "once_only"]),
        ('not description:"kernel and"', ["Rollback", "once_only"]),
        ("status:disabled", ["Rollback", "Weekly 100%", "once_only"]),
        ("type:rollback or scheduleType:once", ["Rollback", "once_only"]),
        ("scheduleType:onDemand", ["Rollback", "Weekly 100%"]),
        ("timezoneType:specific_tz and timezone:berlin", ["once_only"]),
        ("patchCount:2", ["Weekly 100%"]),
        ("patchCount > 0", ["Rollback", "Weekly 100%"]),
        ("patchCount:0", ["once_only"]),
        ("tags.name:prod", ["Weekly 100%"]),
        ("tags.name:[prod, web]", ["Weekly 100%"]),
        ("not tags.name:prod", ["Rollback", "once_only"]),
        ("exclusionTags:*", ["Rollback"]),
        ("coAuthorUserIds:*", ["Weekly 100%"]),
        ("created.user.name:bob", ["once_only"]),
        ("created.date > now", ["Rollback"]),
        ("created.date:2026-11-10", ["Weekly 100%", "once_only"]),
        ("updated.date:null and linkedJobId:null", ["Rollback", "Weekly 100%", "once_only"]),
        ("not updated.user.name:ada", ["Rollback", "Weekly 100%", "once_only"]),
        ("isRecurring:true", []),
        ("startDateTime:2026-12-24", ["once_only"]),
        ('startDateTime = "2026-12-24 11:30:00 PM"', ["once_only"]),
        ("startDateTime > 2026-12-24", []),
        ("startDateTime > 2026-12-24T23:29:59", ["once_only"]),
        ("startDateTime > 2026-12-24T23:30:00", []),
        ("startDateTime > now+30d", ["once_only"]),
        ("deleted:true or readOnly:true or isPriorityJob:true", []),
        ("jobSource:3 and schemaVersion:'1.0' and mitigationActionCount < 1", ["Rollback", "Weekly 100%", "once_only"]),
        ("assetCount > 0", []),
        ("triggerStatus:*", []),
        ("completionPercent:0", []),
        ("remediationQids:38863 and isVulnContext:true", ["Weekly 100%"]),
        ("remediationQids < 6 and remediationQids > 6", ["Weekly 100%"]),
        ("remediationQids > 38863", []),
        ("not remediationQids:5", ["Rollback", "once_only"]),
        ("remediationQids:*", ["Weekly 100%"]),
        ("dayOfMonth:null", ["Rollback", "Weekly 100%", "once_only"]),
    ],
)
def test_jobs__query__finds(jobs: None, query: str, found: list[str]) -> None:
    assert names(query) == found
