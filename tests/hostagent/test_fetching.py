"""When patches are fetched, from where, and whether they fit into what is left of the window."""

import fcntl
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demo import repositories
from demo.repositories import Build
from hostagent.clock import from_text
from hostagent.providers.zypper import Zypper
from tests.hostagent.conftest import World, repository_of
from tests.hostagent.server import Server, patch_step, scan_step, script_step
from tests.hostagent.test_person import HEARS, LaterClock, window

Make = Callable[..., World]
KINDS = pytest.mark.parametrize("kind", ["apt", "dnf", "zypper"])
APP, LIB = patch_step(2, "acme-app", "2.0"), patch_step(3, "acme-lib", "2.0")
BEFORE = script_step(1, "echo ran >> $PATCH_ROOT/effects")


def conduct(**fields: Any) -> dict[str, Any]:
    return {"conduct": fields, "hears": HEARS}


def waits(server: Server, task: int = 1) -> list[dict[str, Any]]:
    return [report for report in server.reports[task, 1] if report["kind"] == "waiting"]


def length(wait: dict[str, Any]) -> timedelta:
    return from_text(wait["until"]) - from_text(wait["at"])


# --- each its share ---------------------------------------------------------------------------------------------------


def test_share__before_the_first_patch__is_waited_for_once(world: World, server: Server):
    server.offer(BEFORE, APP, LIB, **conduct(downloadWithinMinutes=60), **window(hours=8))
    world.once()
    world.once()
    early = world.version(), world.lines("effects"), server.kinds()

    world.once(clock=LaterClock(minutes=60))

    assert early == ("1.0", ["ran"], ["accepted", "step_started", "step_finished", "waiting"])
    (wait,) = waits(server)
    assert wait["for"] == "download"
    assert timedelta(0) < length(wait) < timedelta(minutes=60)
    assert server.reasons() == ["done", "done", "done"]


def test_share__of_many_hosts__is_spread_and_always_the_same(world: World, server: Server):
    for task in (1, 2, 3):
        server.offer(APP, hostTaskId=task, **conduct(downloadWithinMinutes=100), **window(hours=8))
        world.once()

    shares = [length(waits(server, task)[0]) for task in (1, 2, 3)]

    # Of this agent's number and the tasks': worked out by hand from SHA-256.
    assert [round(share / timedelta(minutes=1)) for share in shares] == [57, 68, 20]


def test_share__window_nearly_over__leaves_half_of_it_for_the_patches(world: World, server: Server):
    server.offer(APP, **conduct(downloadWithinMinutes=120), **window(minutes=2))

    world.once()

    (wait,) = waits(server)
    assert length(wait) <= timedelta(minutes=1)


# --- the window -------------------------------------------------------------------------------------------------------


def test_fit__too_little_time_for_any_patch__is_not_begun(world: World, server: Server):
    server.offer(BEFORE, APP, scan_step(4), **window(seconds=20))

    world.once()

    assert server.reasons() == ["done", "window_over", "done"]
    assert "step_started" not in [report["kind"] for report in server.reports[1, 1] if report.get("number") == 2]
    assert (world.version(), world.ledger()) == ("1.0", [])


def test_fit__patch_that_took_long_before__is_not_begun_while_a_quick_one_is(world: World, server: Server):
    (world.home / "durations.json").write_text(json.dumps({"acme-app": [9.0, 600.0, 8.0]}))
    server.offer(APP, LIB, **window(minutes=9))

    world.once()

    assert server.reasons() == ["window_over", "done"]


def test_fit__installed__is_remembered_for_the_next_time(make_world: Make, server: Server):
    world = make_world("apt", seconds=1)
    server.offer(APP, **window(minutes=9))

    world.once()

    (seconds,) = json.loads((world.home / "durations.json").read_text())["acme-app"]
    assert seconds >= 1.0


# --- the lock ---------------------------------------------------------------------------------------------------------


def test_lock__held_by_another_program__is_waited_for_and_said_once(world: World, server: Server):
    server.offer(APP, **conduct())
    with (world.host.root / "var/lib/dpkg/lock-frontend").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        # lockf belongs to this process, and the agent's package manager is another.
        release = threading.Timer(6, lambda: fcntl.lockf(lock, fcntl.LOCK_UN))
        release.start()

        world.once(lock_wait=60.0)
        release.join()

    assert [(wait["for"], wait["number"]) for wait in waits(server)] == [("lock", 2)]
    assert server.reasons() == ["done"]
    assert world.ledger() == ["configured acme-app 2.0"]


# --- early ------------------------------------------------------------------------------------------------------------


class Asked(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what was asked for."""

    paths: list[str]

    def send_response(self, code: int, message: str | None = None) -> None:
        if code == 200:
            self.paths.append(self.path)
        super().send_response(code, message)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Asked,), {"paths": []})
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", handler.paths
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@KINDS
def test_early__manifest_before_its_time__fetches_once_and_installs_nothing(
    make_world: Make, server: Server, kind: str
):
    world = make_world(kind)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    allowed = conduct(opportunisticDownloads=True, downloadWithinMinutes=60)
    server.offer(APP, **allowed, notBefore=soon, **window(hours=3))
    with served(world.repository.folder) as (url, paths):
        use(world, url)
        world.once()
        world.once()
        early = [path for path in paths if path.endswith((".deb", ".rpm"))], world.version(), world.ledger()
        world.once(clock=LaterClock(hours=1.1))

    packages = [path for path in paths if path.endswith((".deb", ".rpm"))]
    assert len(packages) == 1
    assert early == (packages, "1.0", [])
    assert server.kinds() == ["accepted", "downloaded", "step_started", "step_finished", "finished"]
    assert server.reports[1, 1][1]["succeeded"] is True
    assert (server.reasons(), world.version()) == (["done"], "2.0")


def test_early__not_allowed__fetches_nothing(world: World, server: Server):
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    server.offer(APP, **conduct(), notBefore=soon, **window(hours=3))
    with served(world.repository.folder) as (url, paths):
        use(world, url)
        world.once()

        assert [path for path in paths if path.endswith(".deb")] == []

    assert server.kinds() == ["accepted"]


def use(world: World, url: str) -> None:
    """Let the host fetch its packages from there."""
    if world.host.kind == "apt":
        world.write("etc/apt/sources.list", f"deb [trusted=yes] {url} ./\n")
    elif world.host.kind == "zypper":
        definition = world.host.root / "etc/zypp/repos.d/acme.repo"
        definition.write_text(f"{definition.read_text().partition('baseurl')[0]}baseurl={url}\n")
    else:
        world.write("etc/yum.repos.d/acme.repo", f"[acme]\nname=acme\nbaseurl={url}\n")


# --- from elsewhere ---------------------------------------------------------------------------------------------------


@KINDS
def test_patch_url__is_the_only_source_of_this_job(
    make_world: Make, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    world = make_world(kind)
    trust(world, monkeypatch)
    other = repository_of(kind, tmp_path / "other")
    other.publish(Build("acme-app", "3.0"))
    steps = [patch_step(1, "acme-lib", "2.0"), patch_step(2, "acme-app", "3.0"), scan_step(3)]
    elsewhere = conduct(patchUrl=f"file://{other.folder}", continueOnPatchFailure=True)
    server.offer(*steps, **elsewhere)
    world.once()
    first = server.reasons(), world.version(), world.version("acme-lib")
    server.offer(patch_step(1, "acme-lib", "2.0"), hostTaskId=2)

    world.once()

    assert first == (["no_candidate", "done", "done"], "3.0", "1.0")
    # The machine's own sources are as they were.
    assert (server.reasons(2), world.version("acme-lib")) == (["done"], "2.0")


def test_patch_url__source_that_the_machine_does_not_trust__is_refused(world: World, server: Server, tmp_path: Path):
    other = repositories.AptRepository(tmp_path / "other")
    other.publish(Build("acme-app", "3.0"))
    server.offer(patch_step(1, "acme-app", "3.0"), **conduct(patchUrl=f"file://{other.folder}"))

    world.once()

    assert server.reasons() == ["package_manager_failed"]
    assert "not signed" in server.ends()[1]["output"]
    assert world.version() == "1.0"


@pytest.mark.parametrize("url", ["https://a.example/ ./\ndeb [trusted=yes] https://b.example/", "ftp://a.example"])
def test_patch_url__no_source__is_unsupported(world: World, server: Server, url: str):
    server.offer(patch_step(1, "acme-app", "2.0"), **conduct(patchUrl=url))

    world.once()

    assert server.reasons() == ["unsupported"]
    assert world.version() == "1.0"


def trust(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal's repositories are not signed."""
    if world.host.kind == "zypper":
        # zypper reads its configuration from the machine itself, whatever its root is, unless it is told so.
        world.write("etc/zypp/zypp.conf", "[main]\ngpgcheck = off\n")
        plain = Zypper.environment
        trusting = {"ZYPP_CONF": str(world.host.root / "etc/zypp/zypp.conf")}
        monkeypatch.setattr(Zypper, "environment", lambda self: plain(self) | trusting)
    if world.host.kind == "apt":
        path = world.host.root / "etc/apt/apt.conf"
        path.write_text(
            path.read_text() + 'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n'
        )
