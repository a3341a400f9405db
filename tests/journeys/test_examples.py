"""The examples of docs/api.md, run as a reader would run them: in one shell, against a running service."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.hosts import Agent, make_host
from demo.mailbox import Mailbox
from demo.repositories import AptRepository, Build
from embedded.service import Running
from tests.journeys.tools import ROOT, Customer

pytestmark = pytest.mark.service
PAGE = (ROOT / "docs" / "api.md").read_text()
PASSWORD = "correct horse battery staple"


@pytest.fixture
def initech(running: Running, mailbox: Mailbox, acme: Customer, tmp_path: Path) -> Iterator[Customer]:
    """A customer with one machine, as the page supposes: it misses a patch."""
    customer = Customer.create(running, mailbox, name="Initech", admin="peter")
    repository = AptRepository(tmp_path / "apt")
    repository.publish(Build("acme-app", "1.0"))
    host = make_host(
        tmp_path / "host", name="reader-1", repository=repository, installed=["acme-app=1.0"], legacy=False
    )
    repository.publish(Build("acme-app", "2.0"))
    agent = Agent(host, tmp_path / "agent")
    agent.enrol(running.base_url, customer.activation_key)
    with agent:
        agent.start()
        customer.machines["reader-1"] = agent
        customer.wait_scanned()
        yield customer


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_examples__run_in_order__are_all_answered_as_the_page_says(initech: Customer, running: Running) -> None:
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", _script(running.base_url)],
        capture_output=True,
        text=True,
        check=False,
    )

    answers = re.findall(r"^<(\d+) (\w+) (\S+)>$", done.stderr, re.MULTILINE)
    refused = [answer for answer in answers if not answer[0].startswith("2")]
    assert done.returncode == 0, done.stderr[-2000:]
    # Of all calls one is meant to fail: the change of what somebody else has changed meanwhile.
    assert [(status, method) for status, method, _ in refused] == [("412", "PATCH")], done.stdout[-3000:]
    assert len(answers) > 25


def _script(url: str) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    text = (
        "\n".join(blocks).replace("URL=http://127.0.0.1:8000", f"URL={url}").replace("username=admin", "username=peter")
    )
    text = re.sub(r"^PASSWORD=.*$", f"PASSWORD='{PASSWORD}'", text, flags=re.MULTILINE)
    return text.replace("api() { curl -s ", "api() { curl -s -w '%{stderr}<%{http_code} %{method} %{url}>\\n' ", 1)
