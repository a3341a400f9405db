"""A fleet: simulated agents poll a real service, first idle, then through a run of all of them, with people beside."""

import asyncio
import base64
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import aiohttp
import psycopg2
from django.db import transaction
from django.utils import timezone

from agents.models import Agent, SigningKey
from agents.services import enrolment
from benchmarks import filling
from benchmarks.client import Client
from benchmarks.processes import WEB, forget_peaks, most_resident
from benchmarks.simulated import Figures, Fleet, SimulatedAgent
from core.customer_context import acting_for
from core.digests import digest_of
from embedded.errors import EmbeddedError
from embedded.postgres import SUPERUSER, Postgres
from embedded.secrets import load
from inventory import services as inventory
from inventory.descriptions import Machine
from inventory.models import Asset, AssetPatch, AssetTag, Patch, PatchStatus, Platform, Tag
from tenants import services as tenants

USERNAME, PACKAGE = "fleet", "acme-app"
MOST_MILLISECONDS, MOST_MEGABYTES = 250.0, 160.0
# Seconds between two check-ins of an idle agent, and of idling before the run.
POLL, IDLE = 60.0, 90.0
PEOPLE_PER_SECOND = 50
# One host in so many fails.
FAILING = 500
_LONGEST_SECONDS = 3600.0
_COPIES = "FROM generate_series(1, %(many)s - 1) AS n, {table} t WHERE t.id = %(template)s"
_CREATED = 201
_CREDENTIAL = "ag_fleet-"


@dataclass(frozen=True)
class Filled:
    """The fleet's customer, and what its agents know."""

    patch: Patch
    tag_id: str
    keys: dict[str, str]
    agents: list[SimulatedAgent]


@dataclass(frozen=True)
class Found:
    """What was seen; latencies are of the kinds of request that `Figures` has, `people` those of the REST API."""

    hosts: int
    idle: Figures
    run: Figures
    people: Figures
    seconds: float
    counts: dict[str, int]
    web: tuple[float, float]

    @property
    def met(self) -> bool:
        """Whether every request was fast enough, none failed, every host ended, and the memory stayed where it was."""
        figures = (self.idle, self.run, self.people)
        return (
            all(one.percentile(kind, 0.99) <= MOST_MILLISECONDS for one in figures for kind in one.latencies)
            and not any(one.errors for one in figures)
            and sum(self.counts.values()) == self.hosts
            and max(self.web) <= MOST_MEGABYTES
        )

    def described(self) -> str:
        """The figures as a page of text."""
        counts = ", ".join(f"{count:,} {state}" for state, count in sorted(self.counts.items()))
        text = (
            f"{self.hosts:,} simulated agents, each polling once a minute; {PEOPLE_PER_SECOND} REST requests a second "
            f"beside. After {IDLE:.0f} s of idling, a job installs one patch on all of them in three waves (1 %, 25 %, "
            f"the rest), with a failure on one host of {FAILING}. The run took {self.seconds:.0f} s: {counts}. Web "
            f"processes had at most {self.web[0]:.0f} MB resident before it and {self.web[1]:.0f} MB after it (target: "
            f"{MOST_MEGABYTES:.0f} at most). Latencies in milliseconds (target: {MOST_MILLISECONDS:.0f} for 99 of 100)."
        )
        rows = [
            f"| {when} | {kind} | {len(one.latencies[kind]):,} | {one.percentile(kind, 0.5):.1f} "
            f"| {one.percentile(kind, 0.99):.1f} |"
            for when, one in (("idle", self.idle), ("run", self.run), ("both", self.people))
            for kind in sorted(one.latencies)
        ]
        failed = Counter[str]()
        for one in (self.idle, self.run, self.people):
            failed.update(one.errors)
        errors = [f"- {text}: {count:,} times" for text, count in failed.items()]
        table = "\n".join(["| when | request | how many | half | 99 of 100 |", "|---|---|---|---|---|", *rows])
        return "\n\n".join(
            [f"## A fleet of {self.hosts:,}", fill(text, width=120), table, "\n".join(errors) or "No request failed."]
        )


def measure(*, folder: Path, base_url: str, agents: int) -> Found:
    """Fill the service whose data are in `folder`, and let the fleet live. Raises EmbeddedError."""
    filled = fill_fleet(folder=folder, agents=agents)
    client = Client(base_url)
    client.sign_in(USERNAME, filling.PASSWORD)
    client.rest()
    return asyncio.run(_lived(folder, base_url, client, filled))


async def _lived(folder: Path, base_url: str, client: Client, filled: Filled) -> Found:
    fleet = Fleet(base_url, filled.agents, keys=filled.keys)
    over, people = asyncio.Event(), Figures()
    living = asyncio.gather(
        fleet.run(spread=POLL, until=over),
        _people(base_url, client.headers, people, over),
    )
    try:
        forget_peaks(folder)
        # The first check-in of each agent asks the database, as after a restart of the broker; then all is idle.
        await _pause(living, POLL)
        fleet.figures = idle = Figures()
        await _pause(living, IDLE)
        before = most_resident(folder, WEB)
        fleet.figures = run = Figures()
        began = time.monotonic()
        job_id = client.post("deploymentjob", _job(filled), status=_CREATED)["id"]
        counts = await _ended(living, client, job_id)
        seconds = time.monotonic() - began
    finally:
        over.set()
    await living
    web = before, most_resident(folder, WEB)
    return Found(len(filled.agents), idle, run, people, seconds, counts, web)


async def _pause(living: "asyncio.Future[Any]", seconds: float) -> None:
    """Wait, but not for a fleet that broke."""
    done, _ = await asyncio.wait([living], timeout=seconds)
    if done:
        living.result()


async def _ended(living: "asyncio.Future[Any]", client: Client, job_id: str) -> dict[str, int]:
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        await _pause(living, 2.0)
        run = await asyncio.to_thread(client.get, f"deploymentjob/{job_id}/runs/1")
        print(f"\r{run['state']} {run['completionPercent']} % {run['counts']}", end="", flush=True)
        if run["state"] == "Completed":
            print()
            return dict(run["counts"])
    raise EmbeddedError(f"The run has not ended: {run}")


async def _people(base_url: str, headers: dict[str, str], figures: Figures, until: "asyncio.Event") -> None:
    """People and scripts, who read lists and one asset, so many times a second."""
    paths = ("deploymentjobs?pageSize=25", "deploymentjobs/summary?pageSize=25", "assets?pageSize=25", "patches")
    async with aiohttp.ClientSession(headers=headers) as session:
        asked: set[asyncio.Task[None]] = set()
        number = 0
        while not until.is_set():
            one = asyncio.create_task(_ask(session, f"{base_url}/pm/v1/{paths[number % len(paths)]}", figures))
            asked.add(one)
            one.add_done_callback(asked.discard)
            number += 1
            await asyncio.sleep(1 / PEOPLE_PER_SECOND)
        await asyncio.gather(*asked)


async def _ask(session: aiohttp.ClientSession, url: str, figures: Figures) -> None:
    began = time.monotonic()
    try:
        async with session.get(url) as answer:
            await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        figures.errors[f"REST: {type(error).__name__}"] += 1
        return
    figures.latencies["REST"].append(time.monotonic() - began)
    if answer.status != 200:
        figures.errors[f"REST: {answer.status}"] += 1


def _job(filled: Filled) -> dict[str, Any]:
    return {
        "name": "Everywhere",
        "type": "Install",
        "platform": "Linux",
        "scheduleType": "On-demand",
        "status": "Enabled",
        "timeout": 4,
        "timeoutUnit": "HOURS",
        "approvedPatches": [str(filled.patch.public_id)],
        "assetTagIds": [filled.tag_id],
        "rollout": {"waves": [{"percent": 1}, {"percent": 25}], "haltOnFailurePercent": 10, "haltMinSample": 20},
    }


# --- the fleet's rows -------------------------------------------------------------------------------------------------


def fill_fleet(*, folder: Path, agents: int) -> Filled:
    """A customer with so many machines, all of which miss one patch: one by the service's own code, and its copies."""
    made = tenants.create_customer(
        name=USERNAME, username=USERNAME, password=filling.PASSWORD, email="fleet@example.com", at=timezone.now()
    )
    customer_id = made.customer.pk
    key = _signing_key(customer_id)
    patch, tag, agent, link, tagging = _one(customer_id, made.activation_key)
    server = Postgres(data_dir=folder, secrets=load(folder))
    with closing(psycopg2.connect(server.url(SUPERUSER))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        _copy(cursor, agent, link, tagging, many=agents)
        cursor.execute("VACUUM ANALYZE")
    with acting_for(customer_id):
        found = Agent.objects.for_customer(customer_id).order_by("pk").values_list("public_id", flat=True)
        simulated = [
            SimulatedAgent(number=number, credential=_credential(number), agent_id=str(public_id), package=PACKAGE)
            for number, public_id in enumerate(found)
        ]
    for one in simulated[FAILING - 1 :: FAILING]:
        one.fails = True
    keys = {str(key.public_id): base64.b64encode(bytes(key.public_key)).decode()}
    return Filled(patch=patch, tag_id=str(tag.public_id), keys=keys, agents=simulated)


def _signing_key(customer_id: int) -> SigningKey:
    """The customer's, once the signer has made it."""
    for _ in range(300):
        with acting_for(customer_id):
            if key := SigningKey.objects.for_customer(customer_id).first():
                return key
        time.sleep(0.1)
    raise EmbeddedError("The signer made no key.")


def _one(customer_id: int, activation_key: str) -> tuple[Patch, Tag, Agent, AssetPatch, AssetTag]:
    """The machine that is copied: enrolled, scanned, tagged, and without the patch."""
    machine = Machine(name="host-0", platform=Platform.LINUX, os_identifier="machine-0", package_manager="apt")
    at = timezone.now()
    with transaction.atomic():
        enrolled = enrolment.enrol(
            activation_key=activation_key, machine=machine, agent_version="1.0", boot_id="boot-0", at=at
        )
    with acting_for(customer_id):
        agent, asset = enrolled.agent, enrolled.agent.asset
        Agent.objects.filter(pk=agent.pk).update(credential_digest=digest_of(_credential(0)))
        Asset.objects.filter(pk=asset.pk).update(scanned_at=at)
        tag = inventory.create_tag(customer_id=customer_id, name="everything", at=at)
        inventory.tag_asset(asset=asset, tag=tag)
        patch = Patch.objects.create(
            customer_id=customer_id,
            platform=Platform.LINUX,
            package_manager="apt",
            package=PACKAGE,
            version="2.0",
            architecture="all",
            title=f"{PACKAGE} 2.0",
        )
        link = AssetPatch.objects.create(
            customer_id=customer_id,
            asset=asset,
            patch=patch,
            status=PatchStatus.MISSING,
            from_version="1.0",
            seen_at=at,
        )
        return patch, tag, agent, link, AssetTag.objects.get(asset=asset)


def _copy(cursor: Any, agent: Agent, link: AssetPatch, tagging: AssetTag, *, many: int) -> None:
    """So many machines in all. The nth has the number n, and a credential by that."""
    asset_id = filling.reserved(cursor, Asset, many)
    asset = {
        "id": f"{asset_id} + n",
        "public_id": "gen_random_uuid()",
        "number": "t.number + n",
        "name": "'host-' || n",
        "reported_name": "'host-' || n",
        "os_identifier": "'machine-' || n",
    }
    of_asset = {"asset_id": f"{asset_id} + n"}
    credential = {
        "public_id": "gen_random_uuid()",
        "credential_digest": f"encode(sha256(('{_CREDENTIAL}' || n)::bytea), 'hex')",
        "boot_id": "'boot-' || n",
    }
    for model, template, changes in (
        (Asset, agent.asset_id, asset),
        (Agent, agent.pk, of_asset | credential),
        (AssetPatch, link.pk, of_asset),
        (AssetTag, tagging.pk, of_asset),
    ):
        source = _COPIES.format(table=model._meta.db_table)
        made = filling.columns_of(model) | changes
        filling.insert(cursor, model, made, source, {"many": many, "template": template})


def _credential(number: int) -> str:
    return f"{_CREDENTIAL}{number}"
