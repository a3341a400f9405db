"""The agent replaces itself by a signed release, and comes back where that one does not report."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import hostagent
from agents import releasing
from agents.releasing import Built
from hostagent import VERSION, contacts, enrolment, releases, state
from hostagent.clock import Clock
from hostagent.errors import Unreachable
from hostagent.host import Host
from hostagent.releases import Updates
from hostagent.versions import Versions, number
from tests.hostagent.conftest import wait_until
from tests.hostagent.server import ACTIVATION_KEY, Server

SOURCES = Path(hostagent.__file__).parent


@pytest.fixture
def make(tmp_path: Path, server: Server) -> Callable[..., Built]:
    """A release of today's agent, with another version and perhaps another text in one of its files."""

    def made(version: str, *, file: str = "__init__.py", more: str = "") -> Built:
        folder = tmp_path / f"sources of {version}" / "hostagent"
        shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / "__init__.py"
        path.write_text(path.read_text().replace(f'VERSION = "{VERSION}"', f'VERSION = "{version}"'))
        with (folder / file).open("a") as out:
            out.write(more)
        return releasing.build(folder, server.release_key)

    return made


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Path:
    """An enrolled agent's folder, of a host without a package manager."""
    (tmp_path / "root").mkdir()
    enrolment.enrol(server.url, ACTIVATION_KEY, home=tmp_path / "agent", host=Host(tmp_path / "root"))
    return tmp_path / "agent"


@pytest.fixture
def launch(home: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start the launcher as the service does."""
    started: list[subprocess.Popen[bytes]] = []

    def go(*options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "hostagent", "launch", "--home", str(home), *options]
        environment = os.environ | {"PYTHONPATH": str(SOURCES.parent)}
        with (home / "launcher.out").open("ab") as out:
            process = subprocess.Popen(command, env=environment, cwd="/", stdout=out, stderr=out)
        started.append(process)
        return process

    yield go
    for process in started:
        process.terminate()
        process.wait(30)


def versions_seen(server: Server) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(body["agentVersion"] for body in server.check_ins))


def test_update__signed_release__runs_as_a_process_of_its_own_and_stays(
    server: Server, home: Path, make: Callable[..., Built], launch: Callable[..., "subprocess.Popen[bytes]"]
):
    process = launch()
    wait_until(lambda: server.check_ins)

    server.releases.append(make("9.0.0"))
    wait_until(lambda: versions_seen(server) == [VERSION, "9.0.0"] and Versions(home).trial is None)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0
    assert Versions(home).current == "9.0.0"
    assert contacts.load(home).barred is None
    assert server.copies == []
    launch()
    count = len(server.check_ins)
    wait_until(lambda: len(server.check_ins) > count)
    assert server.check_ins[-1]["agentVersion"] == "9.0.0"


@pytest.mark.parametrize(
    ("file", "more"),
    [
        ("agent.py", "\nraise RuntimeError('broken')\n"),
        ("line.py", "\nimport time\nLine.turn = lambda self: time.sleep(3600)\n"),
    ],
    ids=["ends at once", "hangs"],
)
def test_update__release_does_not_report__the_old_one_comes_back_and_it_is_not_tried_again(
    server: Server,
    home: Path,
    make: Callable[..., Built],
    launch: Callable[..., "subprocess.Popen[bytes]"],
    *,
    file: str,
    more: str,
):
    server.releases.append(make("9.0.0", file=file, more=more))

    process = launch("--trial-minutes", "0.05", "--trial-starts", "2", "--trial-hurry", "0.5")
    wait_until(lambda: Versions(home).refused == {"9.0.0"})
    count = len(server.check_ins)
    wait_until(lambda: len(server.check_ins) > count + 3)

    assert versions_seen(server) == [VERSION]
    assert (Versions(home).current, Versions(home).trial) == (None, None)
    assert not Versions(home).folder("9.0.0").exists()
    assert process.poll() is None


def test_launcher__the_agent_is_killed__starts_it_again(
    server: Server, home: Path, launch: Callable[..., "subprocess.Popen[bytes]"]
):
    process = launch()
    wait_until(lambda: server.check_ins)
    count = len(server.check_ins)
    subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=True)

    wait_until(lambda: len(server.check_ins) > count + 20)


def test_launcher__second_one_on_the_folder__is_refused(
    server: Server, home: Path, launch: Callable[..., "subprocess.Popen[bytes]"]
):
    launch()
    wait_until(lambda: server.check_ins)

    assert launch().wait(20) == 1


@pytest.fixture
def updates(server: Server, home: Path) -> Updates:
    def fetch(url: str, most: int) -> bytes:
        return next(one.archive for one in server.releases if url.endswith(one.version))

    return Updates(home, state.load(home).release_keys, fetch, clock=Clock(), may_switch=True)


def forged(built: Built) -> Built:
    return replace(built, signature=Ed25519PrivateKey.generate().sign(built.manifest.encode()))


def of_another_key(built: Built) -> Built:
    key = Ed25519PrivateKey.generate()
    return replace(built, signature=key.sign(built.manifest.encode()), key_id=releasing.key_id(key.public_key()))


def with_a_byte_changed(built: Built) -> Built:
    return replace(built, archive=built.archive[:-9] + bytes([built.archive[-9] ^ 1]) + built.archive[-8:])


def with_another_manifest(built: Built) -> Built:
    return replace(built, manifest=built.manifest.replace("9.0.0", "9.0.1"))


@pytest.mark.parametrize("harm", [forged, of_another_key, with_a_byte_changed, with_another_manifest])
def test_release__not_as_it_was_signed__is_refused(
    server: Server, home: Path, make: Callable[..., Built], updates: Updates, harm: Callable[[Built], Built]
):
    server.releases.append(harm(make("9.0.0")))
    offer = server._offer(VERSION)

    assert updates.followed(offer, busy=False) is False
    assert (Versions(home).current, Versions(home).trial) == (None, None)
    assert list((home / "versions").glob("*")) == [] if (home / "versions").exists() else True


@pytest.mark.parametrize("version", ["0.9.0", VERSION])
def test_release__not_newer__is_refused(
    server: Server, home: Path, make: Callable[..., Built], updates: Updates, version: str
):
    server.releases.append(make(version))
    offer = server._offer("0.0.1")

    assert updates.followed(offer, busy=False) is False
    assert Versions(home).current is None


def test_release__amidst_work__waits(server: Server, home: Path, make: Callable[..., Built], updates: Updates):
    server.releases.append(make("9.0.0"))
    offer = server._offer(VERSION)

    busy = updates.followed(offer, busy=True)
    idle = updates.followed(offer, busy=False)

    assert (busy, idle) == (False, True)
    assert Versions(home).current == "9.0.0"


def test_release__without_a_launcher__is_left_alone(server: Server, home: Path, make: Callable[..., Built]):
    server.releases.append(make("9.0.0"))
    updates = Updates(home, state.load(home).release_keys, lambda *_: b"", clock=Clock(), may_switch=False)

    assert updates.followed(server._offer(VERSION), busy=False) is False


def test_release__server_is_away__is_fetched_another_time(server: Server, home: Path, make: Callable[..., Built]):
    server.releases.append(make("9.0.0"))
    away = [True]

    def fetch(url: str, most: int) -> bytes:
        if away.pop():
            raise Unreachable("away")
        return server.releases[0].archive

    updates = Updates(home, state.load(home).release_keys, fetch, clock=Clock(), may_switch=True)
    first = updates.followed(server._offer(VERSION), busy=False)
    away.append(False)

    assert (first, updates.followed(server._offer(VERSION), busy=False)) == (False, True)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "other/x", "hostagent/../../evil"])
def test_archive__reaches_out_of_its_folder__is_refused(server: Server, home: Path, name: str):
    import gzip
    import hashlib
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    content = gzip.compress(packed.getvalue())
    release = releases.Release("9.0.0", hashlib.sha256(content).hexdigest(), len(content))

    with pytest.raises(releases.ReleaseRefused, match="what no release holds"):
        releases.install(release, content, Versions(home))

    assert list((home / "versions").glob("*")) == []


def test_versions__killed_between_trial_and_link__goes_back_to_what_runs(home: Path, monkeypatch: pytest.MonkeyPatch):
    versions = Versions(home)
    monkeypatch.setattr(versions, "_link", lambda version: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        versions.switch("9.0.0", now=Clock().now())

    assert versions.current is None
    trial = Versions(home).go_back()

    assert trial is not None
    assert (Versions(home).current, Versions(home).trial) == (None, None)


def test_versions__installed_by_hand_since__wins(home: Path):
    folder = Versions(home).folder("9.0.0") / "hostagent"
    folder.mkdir(parents=True)
    (folder / "__main__.py").touch()
    Versions(home).switch("9.0.0", now=Clock().now())

    assert Versions(home).newer_than("8.9.9") == "9.0.0"
    assert Versions(home).newer_than("9.0.0") is None
    assert Versions(home).newer_than("10.0") is None


@pytest.mark.parametrize("text", ["", "1", "1.x", "1.0-rc1", "1..2", "1.2.3.4.5"])
def test_number__no_version__is_refused(text: str):
    with pytest.raises(ValueError, match="no version"):
        number(text)


def test_offer__is_what_the_agent_pins(server: Server, home: Path, make: Callable[..., Built]):
    built = make("9.0.0")
    keys = state.load(home).release_keys

    assert json.loads(built.manifest).keys() == {"format", "version", "sha256", "size"}
    assert base64.b64decode(keys[built.key_id]) == server.release_key.public_key().public_bytes_raw()
