"""Releases of the agent: signed elsewhere, published by a command, offered to agents that are older and idle."""

import base64
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from agents import hints, releasing, services
from agents.models import Release
from core.customer_context import enter
from tests import factories
from tests.agents.endpoints import Endpoint, endpoint, work
from tests.factories import Person


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A package that calls itself 9.0.0."""
    folder = tmp_path / "sources" / "hostagent"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""The agent."""\n\nVERSION = "9.0.0"\n')
    return folder


@pytest.fixture
def built(tmp_path: Path, sources: Path, settings: Any) -> Path:
    """Its release, by a key that the service knows."""
    said = command("build_agent_release", tmp_path / "key.pem", tmp_path / "release", new_key=True, sources=sources)
    name, public = said.rpartition("AGENT_RELEASE_KEYS=")[2].strip().split(":")
    settings.AGENT_RELEASE_KEYS = {name: public}
    settings.AGENT_UPDATE_SPREAD_SECONDS = 0
    return tmp_path / "release"


def command(name: str, *arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


def publish(ada: Person, folder: Path, *customers: str) -> str:
    said = command("publish_agent_release", folder, customer=list(customers))
    enter(ada.customer.pk)
    return said


def offered(host: Endpoint) -> Any:
    hints.forget_all()
    return host.check_in().json()["update"]


def test_publish__for_all__is_offered_signed_and_fetched(
    ada: Person, host: Endpoint, built: Path, settings: Any
) -> None:
    before = offered(host)

    said = publish(ada, built)
    offer = offered(host)
    fetched = Client().get(offer["url"], headers=host.headers)

    assert before is None
    assert said == "Release 9.0.0 is offered to all.\n"
    assert (offer["version"], offer["url"]) == ("9.0.0", "/agent/v1/releases/9.0.0")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(settings.AGENT_RELEASE_KEYS[offer["keyId"]]))
    public.verify(base64.b64decode(offer["signature"]), offer["manifest"].encode())
    assert fetched.content == (built / "release.tar.gz").read_bytes()
    assert json.loads(offer["manifest"])["size"] == len(fetched.content)


def test_publish__for_one_customer__is_nobody_elses(ada: Person, host: Endpoint, built: Path) -> None:
    stranger = factories.stranger()
    other = endpoint(stranger)

    said = publish(ada, built, ada.customer.name)
    own = offered(host)
    enter(stranger.customer.pk)
    others = offered(other)
    fetched = Client().get("/agent/v1/releases/9.0.0", headers=other.headers)

    assert said == "Release 9.0.0 is offered to Acme.\n"
    assert own["version"] == "9.0.0"
    assert others is None
    assert fetched.status_code == 404


def test_offer__agent_that_has_it_or_works__gets_none(ada: Person, host: Endpoint, built: Path) -> None:
    publish(ada, built)
    asked = [
        host.send("check-in", {"agentVersion": version, "bootId": "b"}).json()["update"]
        for version in ("9.0.0", "10.1", "somebody's own")
    ]
    work(ada, host)

    assert asked == [None] * 3
    assert offered(host) is None


def test_offer__to_many__is_spread_over_time(ada: Person, built: Path, settings: Any) -> None:
    settings.AGENT_UPDATE_SPREAD_SECONDS = 3600
    publish(ada, built)
    hosts = [endpoint(ada) for _ in range(12)]
    at = Release.objects.get().published_at

    told = [
        sum(services.offer(agent=one.agent, at=at + timedelta(seconds=wait)) is not None for one in hosts)
        for wait in (0, 1800, 3600)
    ]

    assert told == sorted(told)
    assert (told[0] < 12, told[2]) == (True, 12)


def test_withdraw__is_offered_to_nobody_any_more(ada: Person, host: Endpoint, built: Path) -> None:
    publish(ada, built)

    command("withdraw_agent_release", "9.0.0")
    enter(ada.customer.pk)

    assert offered(host) is None
    assert Client().get("/agent/v1/releases/9.0.0", headers=host.headers).status_code == 404
    with pytest.raises(CommandError, match=r"no release 1\.0\.0"):
        command("withdraw_agent_release", "1.0.0")


def test_publish__first_for_one_then_for_all__is_one_release(ada: Person, built: Path) -> None:
    publish(ada, built, ada.customer.name)
    publish(ada, built, ada.customer.name)

    publish(ada, built)

    assert [one.for_all for one in Release.objects.all()] == [True]


def test_publish__signed_by_a_key_that_nobody_named__is_refused(ada: Person, built: Path, settings: Any) -> None:
    settings.AGENT_RELEASE_KEYS = {}

    with pytest.raises(CommandError, match="AGENT_RELEASE_KEYS"):
        publish(ada, built)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("release.json", b"9.0.0", b"9.0.1", "signature is not of this manifest"),
        ("release.tar.gz", b"", b"x", "not the one that was signed"),
        ("release.sig", b"{", b"[", "holds no release"),
    ],
)
def test_publish__not_as_it_was_built__is_refused(  # noqa: PLR0917 - what is changed, and what is said
    ada: Person, built: Path, file: str, old: bytes, new: bytes, says: str
) -> None:
    path = built / file
    path.write_bytes(path.read_bytes().replace(old, new, 1))

    with pytest.raises(CommandError, match=says):
        publish(ada, built)

    assert not Release.objects.exists()


def test_publish__same_version_with_another_content__is_refused(
    ada: Person, built: Path, sources: Path, tmp_path: Path
) -> None:
    publish(ada, built)
    (sources / "more.py").write_text("MORE = 1\n")
    command("build_agent_release", tmp_path / "key.pem", tmp_path / "again", sources=sources)

    with pytest.raises(CommandError, match="another content"):
        publish(ada, tmp_path / "again")


def test_publish__unknown_customer__is_refused(ada: Person, built: Path) -> None:
    with pytest.raises(CommandError, match="no customer is called 'Nobody'"):
        publish(ada, built, "Nobody")


def test_build__twice__is_the_same_byte_for_byte(sources: Path, tmp_path: Path) -> None:
    key = releasing.new_key(tmp_path / "key.pem")

    assert releasing.build(sources, key) == releasing.build(sources, releasing.load_key(tmp_path / "key.pem"))
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_build__key_is_there_already__is_not_replaced(sources: Path, built: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="exists"):
        command("build_agent_release", tmp_path / "key.pem", tmp_path / "again", new_key=True, sources=sources)


def test_fetch__without_a_credential__is_401(db: None) -> None:
    assert Client().get("/agent/v1/releases/9.0.0").status_code == 401
