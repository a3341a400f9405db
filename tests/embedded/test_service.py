"""The whole service as processes: started, killed piece by piece, stopped."""

import http.client
import json
import re
import signal
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedded.process import tail
from embedded.service import service
from tests.embedded.tools import EMBEDDED, all_gone, clean_env, descendants, run, wait_until

pytestmark = pytest.mark.service

OURS = {"web", "worker", "signer", "relay", "beat"}
ALL = OURS | {"postgres", "broker"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One service for the tests that leave it running."""
    with service(data_dir=tmp_path_factory.mktemp("service") / "data") as found:
        yield found


def status(base_url: str, path: str = "/readyz") -> int | None:
    """The status of a GET, or None without an answer."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def environ(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_service__ready__everything_runs_and_the_web_answers(running):
    state = running.state()

    assert state["phase"] == "running"
    assert set(state["children"]) == ALL
    assert all(running.pid(name) for name in ALL)
    assert status(running.base_url) == 200


def test_service__each_process__connects_as_its_role(running):
    users = {name: re.search("//([a-z_]+):", environ(running.pid(name))["DATABASE_URL"])[1] for name in OURS}

    assert users == dict.fromkeys(OURS, "patch_worker") | {"web": "patch_web", "signer": "patch_signer"}


def test_service__secrets_of_few__are_empty_for_the_others(running):
    manifest_key = {name for name in OURS if environ(running.pid(name))["MANIFEST_KEY_SECRET"]}
    others = {
        name
        for name in OURS
        for variable in ("DATABASE_OWNER_URL", "DATABASE_SIGNER_URL", "DATABASE_WEB_URL")
        if environ(running.pid(name))[variable]
    }

    assert manifest_key == {"signer"}
    assert others == set()


@pytest.mark.parametrize("name", sorted(ALL))
def test_service__child_killed__is_started_again(running, name):
    old = running.kill(name)

    new = running.wait_restarted(name, instead_of=old)

    assert new != old
    wait_until(lambda: status(running.base_url) == 200, seconds=30)


def test_run__second_on_the_same_folder__says_that_it_runs(running):
    done = run(running.data_dir, *EMBEDDED, "run")

    assert done.returncode == 1
    assert f"runs already: {running.base_url}" in done.stderr


def test_run__port_asked_for_and_taken__is_refused(running, tmp_path):
    done = run(tmp_path, *EMBEDDED, "run", PORT=str(urlsplit(running.base_url).port))

    assert done.returncode == 1
    assert "is taken" in done.stderr


def test_service__supervisor_killed__leaves_nobody_behind(tmp_path):
    with service(data_dir=tmp_path) as running:
        everybody = descendants(running.supervisor.pid)
        assert len(everybody) > 2 * len(ALL)

        running.supervisor.kill()
        running.supervisor.wait()

        wait_until(lambda: all_gone(everybody))


def test_run__fresh_folder__tells_the_first_sign_in_and_stops_in_time(tmp_path):
    out = tmp_path / "out"
    with out.open("wb") as output:
        supervisor = subprocess.Popen(
            [*EMBEDDED, "run", "--port", "0"], env=clean_env(tmp_path / "data"), stdout=output, stderr=output
        )
    try:
        wait_until(lambda: "First sign-in" in out.read_text() or supervisor.poll() is not None, seconds=120)
        sign_in = tmp_path / "data" / "first-sign-in.json"
        password = json.loads(sign_in.read_text())["password"]
        everybody = descendants(supervisor.pid)
        began = time.monotonic()
        supervisor.send_signal(signal.SIGINT)
        code = supervisor.wait(30)
        seconds = time.monotonic() - began
    finally:
        supervisor.kill()
        supervisor.wait()

    assert code == 0, tail(out)
    assert seconds < 10
    assert all_gone(everybody)
    assert password in out.read_text()
    assert stat.S_IMODE(sign_in.stat().st_mode) == 0o600
