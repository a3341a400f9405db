"""The agent on Windows, as far as Wine goes."""

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hostagent import state
from hostagent.clock import to_text
from tests.hostagent import wine
from tests.hostagent.products import Product
from tests.hostagent.server import (
    ACTIVATION_KEY,
    AGENT_ID,
    CREDENTIAL,
    KEY_ID,
    Server,
    patch_step,
    scan_step,
    script_step,
)
from tests.hostagent.wine import Wine, windows_path


@pytest.fixture(scope="session")
def windows() -> Iterator[Wine]:
    made = wine.prepare()
    holding = made.hold()
    yield made
    made.end()
    holding.communicate(timeout=30)


@dataclass
class Machine:
    """The agent on Windows, and the server that it speaks to."""

    wine: Wine
    server: Server
    folder: Path
    home: Path
    key: str = field(default_factory=lambda: f"HKEY_LOCAL_MACHINE\\SOFTWARE\\Example-{uuid.uuid4()}")

    def enrol(self) -> None:
        (self.home / "agent.json").unlink()
        code, said = self.wine.agent("enrol", self.server.url, ACTIVATION_KEY, "--home", windows_path(self.home))
        assert code == 0, said

    def once(self) -> str:
        code, said = self.wine.agent("run", "--once", "--home", windows_path(self.home))
        assert code == 0, said
        return said

    def killed_at(self, checkpoint: str) -> None:
        module = ("-m", "tests.hostagent.killed_at", windows_path(self.home), "-", checkpoint)
        code, said = self.wine.run(str(self.wine.python), *module)
        assert code == 15, said

    def versions(self, product: Product) -> list[str]:
        return product.versions(self.wine)


@pytest.fixture
def machine(windows: Wine, server: Server, tmp_path: Path) -> Machine:
    """As it is once it has enrolled."""
    made = Machine(windows, server, tmp_path, tmp_path / "agent")
    made.home.mkdir()
    enrolled = state.State(
        server=server.url,
        agent_id=AGENT_ID,
        asset_id="asset",
        credential=CREDENTIAL,
        manifest_keys={KEY_ID: server.public_key},
        last_scan_at=to_text(datetime.now(UTC)),
    )
    state.save(made.home, enrolled)
    return made


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is served from."""
    folder = tmp_path / "files"
    folder.mkdir()

    def handler(*arguments: Any) -> _Quiet:
        return _Quiet(*arguments, directory=str(folder))

    served = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def registry_step(number: int, key: str, name: str, kind: str, value: Any, *, create: bool = False) -> dict[str, Any]:
    told = {"key": key, "valueName": name, "type": kind, "value": value, "createKey": create}
    return _action(number, "Change Registry Key", registry=told)


def uninstall_step(number: int, **told: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("key", "displayName", "version", "versionMatch"))
    return _action(number, "Uninstall Software", uninstall=nothing | told)


def _action(number: int, action: str, **part: Any) -> dict[str, Any]:
    common = {
        "number": number,
        "kind": "action",
        "stage": "pre",
        "actionId": "a",
        "action": action,
        "name": "an action",
    }
    return common | {"timeout": 60} | part


def test_registry__every_type__is_set_and_read_back(machine: Machine) -> None:
    values = {
        "REG_SZ": "plain ü",
        "REG_EXPAND_SZ": "%SystemRoot%\\x",
        "REG_MULTI_SZ": ["one", "two"],
        "REG_DWORD": "4294967295",
        "REG_QWORD": "18446744073709551615",
        "REG_BINARY": "00ff10",
    }
    steps = [
        registry_step(number, machine.key, kind, kind, value, create=True)
        for number, (kind, value) in enumerate(values.items(), start=1)
    ]
    empty = registry_step(7, machine.key, "empty", "REG_BINARY", "")
    nothing = registry_step(8, machine.key, "nothing", "REG_MULTI_SZ", [])
    again = registry_step(9, machine.key, "REG_DWORD", "REG_DWORD", "1")
    missing = registry_step(10, f"{machine.key}\\Not There", "a", "REG_SZ", "x")
    other = registry_step(11, machine.key.replace("SOFTWARE", "SOFTWARE\\WOW6432Node"), "a", "REG_SZ", "x", create=True)
    machine.server.offer(*steps, empty, nothing, again, missing, other, scan_step(12))

    said = machine.once()

    assert machine.server.reasons() == ["done"] * 9 + ["no_such_key"] + ["done"] * 2, said
    shown = machine.wine.run("reg", "query", machine.key)[1]
    assert "plain" in shown
    assert "0x1\r\n" in shown
    assert "00FF10" in shown
    assert machine.server.ends()[10]["state"] == "skipped"
    assert "REG_DWORD 4294967295" in machine.server.ends()[9]["output"]


def product_step(
    number: int, product: Product, version: str, url: str, *, back_to: str | None = None, rollback: bool = False
) -> Any:
    step = patch_step(number, product.name, version, back_to=back_to, operation="rollback" if rollback else "install")
    told = [product.download(one, url) for one in (version, back_to) if one]
    return step | {"architecture": "x64", "downloads": told}


def test_calls__on_windows__hold_trees_of_processes_together_and_locks(windows: Wine, tmp_path: Path) -> None:
    code, said = windows.run(str(windows.python), "-m", "tests.hostagent.on_windows", windows_path(tmp_path))

    assert code == 0, said
    told = json.loads(said.splitlines()[-1])
    assert told["tree"] == [True, []]
    assert told["orphan"] == [True, True, False, []]
    assert told["gate"] == ["the disk is full", False, False]
    assert told["lock"] == [True, False, True]
    assert told["bootIds"] == 1
    assert told["noKey"] is False


def test_patch__an_msi__is_installed_verified_and_rolled_back(
    machine: Machine, files: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = files
    product = Product.make(folder)
    product.install(machine.wine, "1.0.0")
    machine.enrol()
    machine.server.offer(product_step(1, product, "2.0.0", url), scan_step(2))

    said = machine.once()

    assert machine.server.reasons() == ["done", "done"], said
    end = machine.server.ends()[1]
    assert (end["fromVersion"], end["toVersion"], end["exitCode"]) == ("1.0.0", "2.0.0", 0)
    assert machine.versions(product) == ["2.0.0"]
    scan = next(report["scan"] for report in machine.server.reports[1, 1] if report["kind"] == "scanned")
    row = {"name": product.name, "version": "2.0.0", "architecture": "x64", "state": "installed"}
    assert row in scan["packages"]
    assert scan["machine"]["platform"] == "Windows"
    assert scan["machine"]["packageManager"] == "windows"

    # The way back is told by nobody but the history, and its file comes from where the first one did.
    shutil.rmtree(machine.home / "work")
    rollback = product_step(1, product, "2.0.0", url, rollback=True)
    rollback["downloads"].append(product.download("1.0.0", url))
    machine.server.offer(rollback, scan_step(2), hostTaskId=2)

    machine.once()

    assert machine.server.reasons(2) == ["done", "done"]
    assert machine.versions(product) == ["1.0.0"]


def test_patch__killed_before_and_after_the_gate__is_installed_once(machine: Machine, files: tuple[Path, str]) -> None:
    folder, url = files
    product = Product.make(folder)
    product.install(machine.wine, "1.0.0")
    machine.server.offer(product_step(1, product, "2.0.0", url), scan_step(2))

    machine.killed_at("child:spawned")
    assert machine.versions(product) == ["1.0.0"]
    machine.killed_at("child:running")
    said = machine.once()

    assert machine.server.reasons() == ["done", "done"], said
    assert machine.versions(product) == ["2.0.0"]
    # Each installation writes a log of its own name; the second life has begun none.
    assert said.count("msiexec") == 0


def test_patch__another_file_than_was_meant__is_not_run(machine: Machine, files: tuple[Path, str]) -> None:
    folder, url = files
    product = Product.make(folder)
    product.install(machine.wine, "1.0.0")
    step = product_step(1, product, "2.0.0", url)
    step["downloads"][0]["sha256"] = sha256(b"another").hexdigest()
    gone = product_step(2, product, "2.0.0", f"{url}/nowhere")
    machine.server.offer(step, gone, scan_step(3), conduct={"continueOnPatchFailure": True})

    machine.once()

    assert machine.server.reasons() == ["bad_file_digest", "download_failed", "done"]
    assert machine.versions(product) == ["1.0.0"]


def test_uninstall__by_name_and_version__is_gone(machine: Machine, files: tuple[Path, str]) -> None:
    product = Product.make(files[0])
    product.install(machine.wine, "1.0.0")
    other = uninstall_step(1, displayName=product.name, version="1.0", versionMatch="Less Than")
    meant = uninstall_step(2, displayName=product.name.upper(), version="2", versionMatch="Less Than")
    again = uninstall_step(3, key=f"{product.uninstall_key}\\{product.code('1.0.0')}")
    script = script_step(4, "exit 0", stage="post") | {"scriptType": "ps"}
    machine.server.offer(other, meant, again, script, scan_step(5))

    said = machine.once()

    assert machine.server.reasons() == ["not_installed", "done", "not_installed", "unsupported", "done"], said
    assert machine.versions(product) == []
    assert machine.server.ends()[2]["fromVersion"] == "1.0.0"


def test_registry__killed_after_the_value_is_set__is_settled_by_reading(machine: Machine) -> None:
    machine.server.offer(registry_step(1, machine.key, "a", "REG_SZ", "x", create=True), scan_step(2))

    machine.killed_at("registry:written")
    machine.once()

    assert machine.server.reasons() == ["done", "done"]
    assert "before" not in machine.server.ends()[1]["output"]
