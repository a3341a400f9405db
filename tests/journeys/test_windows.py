"""A Windows machine, as far as Wine plays one: its registry changed, a product installed and rolled back, over REST."""

import base64
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from demo.mailbox import Mailbox
from embedded.service import Running
from tests.hostagent import wine
from tests.hostagent.products import Product
from tests.hostagent.wine import Wine, windows_path
from tests.journeys.tools import Customer, until

pytestmark = pytest.mark.service


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def windows() -> Iterator[Wine]:
    made = wine.prepare()
    holding = made.hold()
    yield made
    made.end()
    holding.communicate(timeout=30)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, Path]]:
    """A folder, its https address, and the certificate to trust there."""
    folder = tmp_path_factory.mktemp("files")
    certificate = _certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    served.socket = context.wrap_socket(served.socket, server_side=True)
    Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield folder, f"https://127.0.0.1:{served.server_port}", certificate
    served.shutdown()
    served.server_close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "files")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "files.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class Desk:
    """A customer with one Windows machine."""

    customer: Customer
    wine: Wine
    home: Path
    certificate: Path

    def agent(self, *arguments: str) -> None:
        trusted = {"SSL_CERT_FILE": windows_path(self.certificate)}
        code, said = self.wine.agent(*arguments, "--home", windows_path(self.home), **trusted)
        assert code == 0, said

    def asset(self) -> Any:
        (asset,) = self.customer.client.get("/pm/v1/assets?pageSize=100")
        return asset

    def deploy(self, kind: str, patch: str, **body: Any) -> dict[str, Any]:
        """The only host of a run of such a job, once that has ended."""
        client = self.customer.client
        told = {"name": f"{kind} {uuid4()}", "type": kind, "platform": "Windows", "status": "Enabled"}
        targets = {"approvedPatches": [patch], "assetIds": [self.asset()["id"]]}
        window = {"scheduleType": "On-demand", "timeout": 1, "timeoutUnit": "HOURS"}
        job = client.post("/pm/v1/deploymentjob", told | targets | window | body)["id"]

        def ended() -> bool:
            self.agent("run", "--once")
            return bool(client.get(f"/pm/v1/deploymentjob/{job}/runs/1")["state"] == "Completed")

        until("the run's hosts", lambda: client.get(f"/pm/v1/deploymentjob/{job}/runs"))
        until("the run's end", ended)
        host: dict[str, Any] = client.get(f"/pm/v1/deploymentjob/{job}/runs/1/assets/{self.asset()['id']}")
        return host


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_windows__registry_key_and_product__are_changed_rolled_back_and_reported(
    running: Running, mailbox: Mailbox, windows: Wine, files: tuple[Path, str, Path], tmp_path: Path
) -> None:
    folder, url, certificate = files
    customer = Customer.create(running, mailbox, name="Umbrella", admin="alice")
    desk = Desk(customer, windows, tmp_path / "agent", certificate)
    product = Product.make(folder)
    product.install(windows, "1.0.0")
    patches = [
        {
            "platform": "Windows",
            "package": product.name,
            "version": version,
            "architecture": ["x64"],
            "downloadURL": told["url"],
            "fileChecksum": told["sha256"],
        }
        for version in ("1.0.0", "2.0.0")
        for told in [product.download(version, url)]
    ]
    rows = customer.client.post("/pm/v1/patchcatalog/import", patches)
    newer = (rows if isinstance(rows, list) else rows["patches"])[1]["patchId"]
    desk.agent("enrol", running.base_url, customer.activation_key)
    desk.agent("run", "--once")
    assert desk.asset()["scanDateTime"]

    key = rf"HKLM\SOFTWARE\Example-{uuid4()}"
    action = {
        "action": "Change Registry Key",
        "params": {
            "actionItem": "Channel",
            "regKey": _encoded(key),
            "regValue": _encoded("stable"),
            "regValueType": "REG_SZ",
            "regKeyAddNew": True,
        },
    }
    host = desk.deploy("Install", newer, preDeployActions=[action])

    assert host["state"] == "Succeeded", host
    assert [(step["kind"], step["state"]) for step in host["steps"]] == [
        ("action", "Succeeded"),
        ("patch", "Succeeded"),
        ("scan", "Succeeded"),
    ]
    assert "stable" in windows.run("reg", "query", key, "/v", "Channel")[1]
    assert product.versions(windows) == ["2.0.0"]

    host = desk.deploy("Rollback", newer)

    assert host["state"] == "Succeeded", host
    assert product.versions(windows) == ["1.0.0"]
