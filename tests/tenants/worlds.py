"""A customer with a row in every table: somebody whose ids and rows a stranger tries to get at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from agents import services as agents
from agents.models import Agent, LiveOutput, Manifest, Release, ReleaseForCustomer
from calendars import services as calendars
from calendars.models import Calendar
from core.customer_context import acting_for
from core.models import Event, IdempotencyKey
from deployments import services as deployments
from deployments.models import Approval, Feed, HaltEnding, HostTask, Job, JobAction, Run, RunHalt
from deployments.services import feeds
from inventory import services as inventory
from inventory.descriptions import Scan
from inventory.entries import FixEntry, Gathered, PatchEntry, VulnerabilityEntry
from inventory.models import Asset, CustomPatchUrl, Patch, Platform, Tag
from notifications import services as notifications
from reports import services as reports
from reports.models import Report, ReportKind
from tenants import services as tenants
from tenants.models import ApiKey, Customer, Role
from tests import factories
from tests.conftest import _empty
from tests.factories import Person
from tests.tenants.roles import SIGNER, acting_as


@dataclass
class World:
    """One of everything."""

    ada: Person
    colleague: Person
    parent: Tag
    tag: Tag
    asset: Asset
    patch: Patch
    custom_patch_url: CustomPatchUrl
    feed: Feed
    calendar: Calendar
    job: Job
    run: Run
    task: HostTask
    action: JobAction
    agent: Agent
    agent_headers: dict[str, str]
    report: Report
    key: ApiKey

    @property
    def customer(self) -> Customer:
        """Whose it is."""
        return self.ada.customer


def signing_key(customer: Customer) -> None:
    """Let the signer make the customer's key."""
    with acting_as(SIGNER), acting_for(customer.pk):
        agents.create_signing_key(customer_id=customer.pk)


def sign_all(customer: Customer) -> None:
    """Let the signer sign every manifest of the customer's that waits for it."""
    with acting_as(SIGNER), acting_for(customer.pk):
        for manifest in Manifest.objects.for_customer(customer.pk).filter(signature=None):
            agents.sign_manifest(manifest_id=manifest.pk)


def running(ada: Person, *assets: Asset, **changes: Any) -> Run:
    """A run of a new job on these assets, resolved: host tasks wait for their agents."""
    changes = {"assetIds": [str(one.public_id) for one in assets], "status": "Enabled"} | changes
    at = timezone.now()
    job = factories.job(ada, at=at, **changes)
    with acting_for(ada.customer.pk):
        (opened,) = Run.objects.filter(job=job)
        deployments.resolve(run_id=opened.pk, at=at)
        return Run.objects.select_related("job").get(pk=opened.pk)


def scan(*packages: tuple[str, str], updates: tuple[tuple[str, str, str], ...] = (), name: str = "host") -> Any:
    """An inventory: `(package, version)`, and updates as `(package, from, to)`, all of architecture `all`."""
    return {
        "at": "2026-11-10T09:00:00Z",
        "machine": {"name": name, "platform": "Linux", "packageManager": "apt", "osIdentifier": f"machine of {name}"},
        "packages": [
            {"name": package, "version": version, "architecture": "all", "state": "installed"}
            for package, version in packages
        ],
        "updates": [
            {"package": package, "architecture": "all", "fromVersion": old, "toVersion": new}
            for package, old, new in updates
        ],
    }


def _catalogue(patch: Patch) -> Gathered:
    """A patch that `patch` supersedes, and a hole that it closes."""
    older = PatchEntry(
        platform=Platform.WINDOWS,
        package_manager="windows",
        package="KB1",
        vendor_id="KB1",
        superseded_by=[str(patch.public_id)],
    )
    fix = FixEntry(package_manager=patch.package_manager, package=patch.package, version=patch.version)
    return Gathered([older], [VulnerabilityEntry(reference="CVE-2026-0001", qid=1, fixes=[fix])])


def _calendar(customer: Customer) -> calendars.Content:
    """A freeze that is still to come."""
    start = timezone.now() + timedelta(days=100)
    entry = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
    return calendars.Content(name=f"freezes of {customer.name}", entries=[entry])


def _written(ada: Person, run: Run) -> Report:
    """A report on the run, written."""
    with acting_for(ada.customer.pk):
        wish = reports.Wish(kind=ReportKind.JOB_PROGRESS, job=run.job, instance=run.instance)
        queued = reports.queue(user=ada.user, wish=wish, at=timezone.now())
    assert reports.write(customer_id=ada.customer.pk, report_id=queued.pk)
    return queued


def world(name: str = "") -> World:
    """Make it. Takes committed rows, since the signer has a connection of its own."""
    customer = factories.customer(name)
    signing_key(customer)
    ada = factories.person(customer=customer)
    colleague = factories.person(customer=customer, role=Role.OPERATOR)
    parent = factories.tag(customer, "parent")
    tag = factories.tag(customer, "tag", parent)
    asset = factories.asset(customer, tags=(tag,))
    with acting_for(customer.pk):
        told = Scan.model_validate(scan(("acme-app", "1.0"), updates=(("acme-app", "1.0", "2.0"),), name=asset.name))
        told.machine.os_identifier = asset.os_identifier
        inventory.record_scan(asset=asset, scan=told, at=timezone.now())
        patch = Patch.objects.get()
        inventory.store_catalogue(customer_id=customer.pk, gathered=_catalogue(patch), at=timezone.now())
        # Of Acme's the third, so that its number is one that the other world has not.
        for folder in range(3 if name == "Acme" else 1):
            custom_patch_url = inventory.create_custom_patch_url(
                customer_id=customer.pk,
                user=ada.user,
                url=f"https://patches.example.com/{folder}",
                name="",
                at=timezone.now(),
            )
        calendar = calendars.create_calendar(
            customer_id=customer.pk, user=ada.user, content=_calendar(customer), at=timezone.now()
        )
    run = running(
        ada,
        asset,
        name=f"job-of-{customer.name}",
        externalId=f"nightly-of-{customer.name}",
        approvedPatches=[str(patch.public_id)],
        assetTagIds=[str(tag.public_id)],
        calendarIds=[str(calendar.public_id)],
        coAuthorUserIds=[str(colleague.user.public_id)],
        preDeployActions=[factories.installer()],
        rollout={"waves": [{"tagIds": [str(tag.public_id)]}], "haltOnFailurePercent": 50},
        notification={
            "notificationTypes": {"email": True},
            "notificationConfigs": {"recipientEmails": "ops@example.com"},
            "notificationEvents": {"onJobStart": True},
        },
    )
    agent, headers = factories.agent(asset)
    with acting_for(customer.pk):
        Approval.objects.create(
            customer_id=customer.pk,
            job=run.job,
            plan_hash="0" * 64,
            approved_by=colleague.user,
            approved_at=timezone.now(),
            author=ada.user,
        )
        RunHalt.objects.create(
            customer_id=customer.pk,
            run=run,
            halted_at=timezone.now(),
            wave=1,
            failed=1,
            sampled=1,
            percent=50,
            min_sample=1,
            ended_at=timezone.now(),
            ending=HaltEnding.RESUMED,
            ended_by=colleague.user,
        )
        feed, _ = feeds.create_feed(user=ada.user, name="all", job=run.job)
        key, _ = tenants.create_key(user=ada.user, name="mine", role=Role.VIEWER, expires_at=None, at=timezone.now())
    with acting_for(customer.pk):
        notifications.plan(event=Event.objects.get(kind="run.started"), at=timezone.now())
        agents.check_in(agent=agent, fences={}, boot_id="", version="0.1.0", at=timezone.now())
        task, action = HostTask.objects.get(), JobAction.objects.get()
        LiveOutput.objects.create(customer_id=customer.pk, step=task.steps.first(), began_at=timezone.now())
        release, _ = Release.objects.get_or_create(
            version="0.0.1",
            defaults={"rank": 1, "for_all": False, "published_at": timezone.now(), "signature": b"", "archive": b""},
        )
        ReleaseForCustomer.objects.create(customer_id=customer.pk, release=release)
        # Last of all: nothing starts after it.
        calendars.pause_customer(user=ada.user, reason="moving house", at=timezone.now())
        IdempotencyKey.objects.create(
            customer_id=customer.pk, route="job-create", key="first", body_digest="", status=201
        )
    sign_all(customer)
    return World(
        ada=ada,
        colleague=colleague,
        parent=parent,
        tag=tag,
        asset=asset,
        patch=patch,
        custom_patch_url=custom_patch_url,
        feed=feed,
        calendar=calendar,
        job=run.job,
        run=run,
        task=task,
        action=action,
        agent=agent,
        agent_headers=headers,
        report=_written(ada, run),
        key=key,
    )


@contextmanager
def two_worlds() -> Iterator[tuple[World, World]]:
    """Acme's and its rival's, committed; for a whole module whose tests change nothing of them."""
    try:
        yield world("Acme"), world("Rival")
    finally:
        connections.close_all()
        _empty()
