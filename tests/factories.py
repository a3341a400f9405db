"""Rows for tests, only as much as the test is about, and a client to call with."""

import base64
import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from core.customer_context import acting_for
from core.digests import digest_of, new_secret
from deployments import services as deployments
from deployments.models import Job
from inventory import services as inventory
from inventory.descriptions import Machine
from inventory.models import Asset, AssetPatch, Patch, PatchStatus, Platform, Tag
from tenants import services as tenants
from tenants.models import ActivationKey, Customer, Role, User

# A Tuesday, nine in the morning in UTC, with no clock change near.
NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Person:
    """A user and a client that is signed in as them."""

    user: User
    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def customer(self) -> Customer:
        """Whose they are."""
        return self.user.customer

    def get(self, path: str, **headers: str) -> Any:
        """GET below `/pm/v1`, or any path that starts with `/`."""
        return self.client.get(_path(path), headers=self.headers | headers)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """POST JSON."""
        return self._send("post", path, body, headers)

    def put(self, path: str, body: object = None, **headers: str) -> Any:
        """PUT JSON."""
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: object = None, **headers: str) -> Any:
        """PATCH JSON."""
        return self._send("patch", path, body, headers)

    def delete(self, path: str, body: object = None, **headers: str) -> Any:
        """DELETE, with or without a body."""
        return self._send("delete", path, body, headers)

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(self.client, method)(_path(path), headers=self.headers | headers, **data)


def _path(path: str) -> str:
    return path if path.startswith("/") else f"/pm/v1/{path}"


def customer(name: str = "") -> Customer:
    """A customer, without people or keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('tenants_customer', 'id'))")
        (number,) = cursor.fetchone()
    with acting_for(number):
        return Customer.objects.create(pk=number, name=name or f"customer {number}")


def person(*, customer: Customer, role: Role = Role.ADMIN, username: str = "", password: str = "") -> Person:
    """A user of the customer, with a token."""
    with acting_for(customer.pk):
        user = User.objects.create(
            customer=customer,
            username=username or f"user-{next(_numbers)}",
            password=make_password(password) if password else "!",
            role=role,
        )
        token = tenants.sign_in(user=user, at=timezone.now()).access
    return Person(user=user, client=Client(raise_request_exception=False), headers={"Authorization": f"Bearer {token}"})


def stranger() -> Person:
    """The administrator of another customer."""
    return person(customer=customer())


def tag(of: Customer, name: str, parent: Tag | None = None) -> Tag:
    """A tag."""
    with acting_for(of.pk):
        return inventory.create_tag(customer_id=of.pk, name=name, parent=parent, at=NOW)


def asset(
    of: Customer,
    name: str = "",
    *,
    tags: tuple[Tag, ...] = (),
    platform: Platform = Platform.LINUX,
    scanned_at: datetime | None = NOW,
) -> Asset:
    """An apt machine that was scanned; `scanned_at=None` makes one that has not been yet."""
    number = next(_numbers)
    machine = Machine(
        name=name or f"host-{number}", platform=platform, os_identifier=f"machine-{number}", package_manager="apt"
    )
    with acting_for(of.pk):
        made = inventory.register_asset(customer_id=of.pk, machine=machine, at=NOW)
        made.scanned_at = scanned_at
        made.save(update_fields=["scanned_at"])
        for one in tags:
            inventory.tag_asset(asset=made, tag=one)
        made.refresh_from_db()
    return made


def patch(of: Customer, package: str = "acme-app", version: str = "2.0") -> Patch:
    """A patch of the catalogue."""
    with acting_for(of.pk):
        return Patch.objects.create(
            customer=of,
            platform=Platform.LINUX,
            package_manager="apt",
            package=package,
            version=version,
            architecture="all",
            title=f"{package} {version}",
        )


def missing(patch: Patch, *assets: Asset, from_version: str = "1.0") -> None:
    """The patch is missing on these assets by their last scan."""
    _stands(patch, assets, PatchStatus.MISSING, from_version)


def installed(patch: Patch, *assets: Asset, from_version: str = "1.0") -> None:
    """The patch is installed on these assets, and replaced `from_version`."""
    _stands(patch, assets, PatchStatus.INSTALLED, from_version)


def _stands(patch: Patch, assets: tuple[Asset, ...], status: PatchStatus, from_version: str) -> None:
    with acting_for(patch.customer_id):
        for one in assets:
            AssetPatch.objects.create(
                customer_id=patch.customer_id,
                asset=one,
                patch=patch,
                status=status,
                from_version=from_version,
                seen_at=NOW,
            )


def script(name: str = "say hello", text: str = "echo hello") -> dict[str, Any]:
    """A Run Script action as clients send it."""
    encoded = base64.b64encode(text.encode()).decode()
    return {"action": "Run Script", "params": {"actionItem": name}, "script": encoded, "scriptType": "sh"}


def installer(name: str = "install acme") -> dict[str, Any]:
    """An Install Software action with both scripts, as clients send it."""
    params = {
        "actionItem": name,
        "downloadURL": "https://downloads.example.com/acme.run",
        "fileChecksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "installMethod": 0,
    }
    detection = {"detectionScript": "dGVzdCAteCAvb3B0L2FjbWU=", "detectionScriptType": "sh"}
    return script(name, "sh ./acme.run") | {"action": "Install Software", "params": params} | detection


def job_body(**changes: Any) -> dict[str, Any]:
    """The least that a job needs, disabled and On-demand, with `changes`; None takes a key away."""
    body = {"name": "a job", "type": "Install", "platform": "Linux", "scheduleType": "On-demand"} | changes
    return {key: value for key, value in body.items() if value is not None}


def job(by: Person, *, at: datetime = NOW, **changes: Any) -> Job:
    """A stored job of this person's, by the service that the API calls."""
    with acting_for(by.customer.pk):
        return deployments.create(customer_id=by.customer.pk, user=by.user, body=job_body(**changes), at=at)


def agent(asset: Asset) -> tuple[Agent, dict[str, str]]:
    """The live agent of an asset, and the headers that it calls with."""
    credential = new_secret("ag")
    with acting_for(asset.customer_id):
        key, _ = ActivationKey.objects.get_or_create(
            customer_id=asset.customer_id, name="test", defaults={"digest": digest_of(f"ak {asset.customer_id}")}
        )
        made = Agent.objects.create(
            customer_id=asset.customer_id,
            asset=asset,
            activation_key=key,
            credential_digest=digest_of(credential),
            version="0.1.0",
        )
    return made, {"Authorization": f"Agent {credential}"}


def later(**time: float) -> datetime:
    """NOW and so much more."""
    return NOW + timedelta(**time)


def at_once(work: Callable[..., Any], *each: Any, threads: int = 0) -> list[Any]:
    """What `work` returned, or raised, in threads that begin together: one per item of `each`, or `threads` of them."""
    arguments = [(one,) for one in each] or [()] * threads
    start = threading.Barrier(len(arguments), timeout=30)

    def run(of: tuple[Any, ...]) -> Any:
        try:
            start.wait()
            return work(*of)
        except Exception as raised:
            return raised
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def until_somebody_waits() -> None:
    """For a row that this transaction has locked."""
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.05)
    raise AssertionError("nobody waits")
