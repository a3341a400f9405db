"""The agent's commands: what they say, and to whom. Nothing here is installed on the machine itself."""

import datetime as dt
import ipaddress
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import ProxyHandler

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hostagent import contacts, enrolment, state
from hostagent.__main__ import main
from hostagent.agent import Agent
from hostagent.client import opener_for
from hostagent.clock import Clock
from hostagent.errors import AgentError
from hostagent.host import Host
from hostagent.lock import only_instance
from hostagent.service import systemd
from tests.hostagent.conftest import World
from tests.hostagent.server import ACTIVATION_KEY, Server, script_step


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "new"


def enrol(url: str, home: Path, key: str = ACTIVATION_KEY, **options: Any) -> Any:
    root = home.parent / "root"
    root.mkdir(exist_ok=True)
    return enrolment.enrol(url, key, home=home, host=Host(root), **options)


class Authority:
    """Issues certificates for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme CA")])
        self.file = folder / "authority.pem"
        certificate = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = dict.fromkeys(
            ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"], False,
        )  # fmt: skip
        certificate = certificate.add_extension(
            x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True
        )
        self._write(self.file, certificate.sign(self._key, hashes.SHA256()))

    def issue(self, *, address: str = "127.0.0.1", ended: timedelta | None = None) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "patches")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = self._builder(name, key.public_key(), ended).add_extension(names, critical=False)
        file = self._folder / "server.pem"
        self._write(file, made.sign(self._key, hashes.SHA256()))
        with file.open("ab") as out:
            out.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, name: x509.Name, key: Any, ended: timedelta | None = None) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now - ended if ended else now + timedelta(days=1))
        )

    def _write(self, path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def secured(server: Server, context: ssl.SSLContext) -> str:
    """The server from now on speaks TLS."""
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    return server.url.replace("http://", "https://")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_enrol__private_authority__is_kept_and_trusted_from_then_on(
    server: Server, authority: Authority, home: Path
) -> None:
    url = secured(server, authority.issue())

    enrolled = enrol(url, home, ca=authority.file)
    authority.file.unlink()

    assert enrolled.ca == "ca.pem"
    with only_instance(home):
        agent = Agent(home, Host(home.parent / "root"))
        agent.once()
        agent.close()
    assert len(server.check_ins) >= 1


@pytest.mark.parametrize(
    ("certificate", "trusts", "says"),
    [
        ({}, False, "is not trusted.*--ca"),
        ({"address": "192.0.2.1"}, True, "another name"),
        ({"ended": timedelta(days=1)}, True, "check this machine's clock"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_enrol__certificate_is_no_good__says_why(
    server: Server, authority: Authority, home: Path, *, certificate: Any, trusts: bool, says: str
) -> None:
    url = secured(server, authority.issue(**certificate))

    with pytest.raises(AgentError, match=says):
        enrol(url, home, ca=authority.file if trusts else None)

    assert not state.path_in(home).exists()


@pytest.mark.parametrize(("text", "says"), [(None, "not there"), ("no certificates", "no certificates in PEM")])
def test_enrol__file_of_authorities_is_none__says_so(server: Server, home: Path, text: str | None, says: str) -> None:
    file = home.parent / "ca.pem"
    if text:
        file.write_text(text)

    with pytest.raises(AgentError, match=says):
        enrol("https://127.0.0.1:1", home, ca=file)


def test_enrol__nobody_listens__says_so_at_once(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(AgentError, match="nothing listens at"):
        enrol(f"http://127.0.0.1:{port}", home)


def test_enrol__server_speaks_no_tls__says_so(server: Server, home: Path) -> None:
    with pytest.raises(AgentError, match="does not speak TLS"):
        enrol(server.url.replace("http://", "https://"), home)


def test_enrol__name_that_nobody_has__says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)

    with pytest.raises(AgentError, match="no machine is called patches"):
        enrol("https://patches.example.com", home)


@pytest.mark.parametrize(("status", "body"), [(200, b"<h1>Welcome</h1>"), (404, b"<h1>Not here</h1>"), (200, b"{}")])
def test_enrol__something_else_answers__says_so(home: Path, status: int, body: bytes) -> None:
    with website(status, body) as url, pytest.raises(AgentError, match="is not the patch server"):
        enrol(url, home)


def test_enrol__clock_is_wrong__says_by_how_much(server: Server, home: Path) -> None:
    class Late(Clock):
        def now(self) -> dt.datetime:
            return super().now() - timedelta(minutes=20)

    with pytest.raises(AgentError, match="20 minutes behind"):
        enrol(server.url, home, clock=Late())


def test_enrol__key_is_wrong__says_so_and_leaves_no_agent(server: Server, home: Path) -> None:
    with pytest.raises(AgentError, match="activation key is not accepted"):
        enrol(server.url, home, key="wrong")

    assert not state.path_in(home).exists()


@pytest.mark.parametrize("proxy", ["proxy:8080", "https://proxy", "http://"])
def test_proxy__is_none__is_refused(proxy: str) -> None:
    with pytest.raises(AgentError, match="is no proxy"):
        opener_for("https://patches.example.com", ca=None, proxy=proxy)


def test_proxy__is_used_for_others_and_never_for_this_machine() -> None:
    def proxies(server: str) -> dict[str, str]:
        opener = opener_for(server, ca=None, proxy="http://proxy:8080")
        # A handler without proxies opens nothing, and is left out.
        return next((one.proxies for one in opener.handlers if isinstance(one, ProxyHandler)), {})

    assert proxies("https://patches.example.com") == {"https": "http://proxy:8080"}
    assert proxies("https://127.0.0.1:8443") == {}
    assert proxies("https://localhost:8443") == {}


@pytest.mark.parametrize(("exempt", "asked"), [("", True), ("patches.example.com", False)])
def test_proxy__is_asked_unless_no_proxy_names_the_server(
    monkeypatch: pytest.MonkeyPatch, exempt: str, asked: bool
) -> None:
    monkeypatch.setenv("no_proxy", exempt)
    heard: list[str] = []
    with website(403, b"{}", heard) as proxy:
        monkeypatch.setattr(socket, "getaddrinfo", only_loopback)
        opener = opener_for("https://patches.example.com", ca=None, proxy=proxy)
        with pytest.raises(OSError, match="403" if asked else "nobody"):
            opener.open("https://patches.example.com/", timeout=5)

    assert heard == (["CONNECT patches.example.com:443"] if asked else [])


REAL = socket.getaddrinfo


def only_loopback(host: Any, *arguments: Any, **named: Any) -> Any:
    if host != "127.0.0.1":
        raise OSError("nobody")
    return REAL(host, *arguments, **named)


def test_status__for_people_and_for_programs(world: World, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.offer(script_step(1, "true"), notBefore="2999-01-01T00:00:00Z", notAfter="2999-01-02T00:00:00Z")
    world.once()

    assert main(["status", "--home", str(world.home)]) == 0
    people = capsys.readouterr().out
    assert main(["status", "--json", "--home", str(world.home)]) == 0
    programs = json.loads(capsys.readouterr().out)

    assert "not running" in people
    assert "1/1: going" in people
    assert "STOPPED" not in people
    assert programs["lastContactAt"] is not None
    assert (programs["stopped"], len(programs["tasks"]), programs["running"]) == (None, 1, False)


def test_status__stopped_and_running__says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    contacts.Contacts(world.home).bar("two copies ran", at="2026-11-10T09:00:00Z")

    with only_instance(world.home):
        assert main(["status", "--home", str(world.home)]) == 0

    said = capsys.readouterr().out
    assert "STOPPED       since 2026-11-10T09:00:00Z: two copies ran" in said
    assert ", running" in said


def examined(world: World, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["doctor", "--json", "--home", str(world.home)])
    return code, {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_doctor__all_is_well__says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.once()

    code, found = examined(world, capsys)

    assert {name for name, one in found.items() if one["ok"] is False} == set(), found
    assert code == 0
    assert set(found) == {
        *("folder", "room", "enrolled", "journal", "server", "clock", "credential", "contact"),
        *("package manager", "service"),
    }
    assert main(["doctor", "--home", str(world.home)]) == 0
    assert "WRONG" not in capsys.readouterr().out


def _open(world: World, server: Server) -> None:
    (world.home / "agent.json").chmod(0o644)


def _break_journal(world: World, server: Server) -> None:
    (world.home / "journal.jsonl").write_text("{}\n{}\n")


def _revoke(world: World, server: Server) -> None:
    server.left = True


def _copy(world: World, server: Server) -> None:
    server.copies.append(None)  # type: ignore[arg-type]


def _silence(world: World, server: Server) -> None:
    kept = state.load(world.home)
    state.save(world.home, state.State(**{**vars(kept), "server": "http://127.0.0.1:1"}))


def _uproot(world: World, server: Server) -> None:
    (world.host.root / "var/lib/dpkg/status").unlink()


def _never(world: World, server: Server) -> None:
    contacts.path_in(world.home).unlink()


@pytest.mark.parametrize(
    ("harm", "wrong", "says"),
    [
        (_open, {"folder"}, "agent.json"),
        (_break_journal, {"journal"}, "line 1"),
        (_revoke, {"credential"}, "enrol anew"),
        (_copy, {"credential"}, "administrator"),
        (_silence, {"server"}, "nothing listens"),
        (_uproot, {"package manager"}, "none that"),
        (_never, {"contact"}, "never checked in"),
    ],
)
def test_doctor__something_is_wrong__names_it_and_its_cure(
    world: World,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    *,
    harm: Callable[[World, Server], None],
    wrong: set[str],
    says: str,
) -> None:
    world.once()
    harm(world, server)

    code, found = examined(world, capsys)

    assert code == 1
    assert {name for name, one in found.items() if one["ok"] is False} == wrong
    (name,) = wrong
    assert says in found[name]["says"] + found[name]["do"]
    assert found[name]["do"]


def test_doctor__not_enrolled__says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir(mode=0o700)

    assert main(["doctor", "--home", str(home)]) == 1
    assert "enrol" in capsys.readouterr().out


def test_install_service__below_a_prefix__writes_a_unit_that_systemd_takes(world: World, tmp_path: Path) -> None:
    prefix = tmp_path / "machine"
    arguments = ["--home", str(world.home), "--root", str(prefix), "--log-bytes", "5000", "--log-files", "7"]

    assert main(["install-service", *arguments]) == 0

    unit = prefix / "etc/systemd/system/hostagent.service"
    text = unit.read_text()
    assert "@" not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    assert f"launch --home {world.home} --log-bytes 5000 --log-files 7" in text
    assert unit.stat().st_mode & 0o777 == 0o644
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        assert "hostagent.service" not in done.stderr, done.stderr
        assert done.returncode == 0, done.stderr


def test_install_service__not_enrolled__is_refused(home: Path, tmp_path: Path) -> None:
    home.mkdir()

    assert main(["install-service", "--home", str(home), "--root", str(tmp_path / "machine")]) == 1
    assert not (tmp_path / "machine").exists()


def test_unit__path_with_a_blank__is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="blank"):
        systemd.text(systemd.Places(tmp_path / "my agent"))


def test_remove__leaves_nothing_here_and_at_the_server(world: World, server: Server, tmp_path: Path) -> None:
    world.once()
    places = ["--home", str(world.home), "--root", str(tmp_path / "machine")]
    main(["install-service", *places])

    assert main(["remove", *places]) == 0

    assert server.left
    assert not world.home.exists()
    assert [path for path in (tmp_path / "machine").rglob("*") if path.is_file()] == []


def test_remove__server_is_away__keeps_all_unless_forced(world: World, server: Server, tmp_path: Path) -> None:
    _silence(world, server)
    places = ["--home", str(world.home), "--root", str(tmp_path / "machine")]

    refused = main(["remove", *places])
    kept = state.path_in(world.home).exists()
    forced = main(["remove", "--force", *places])

    assert (refused, kept, forced) == (1, True, 0)
    assert not world.home.exists()


def test_remove__while_it_runs__is_refused(world: World, server: Server, tmp_path: Path) -> None:
    with only_instance(world.home):
        assert main(["remove", "--home", str(world.home), "--root", str(tmp_path / "machine")]) == 1

    assert state.path_in(world.home).exists()
    assert not server.left


def test_remove__while_a_launcher_runs__is_refused(world: World, tmp_path: Path) -> None:
    place = world.home / "launcher"
    place.mkdir()

    with only_instance(place):
        assert main(["remove", "--home", str(world.home), "--root", str(tmp_path / "machine")]) == 1

    assert state.path_in(world.home).exists()


def test_remove__nothing_there__says_so(tmp_path: Path) -> None:
    assert main(["remove", "--home", str(tmp_path / "none"), "--root", str(tmp_path / "machine")]) == 1


def test_state__keys_of_a_newer_agent__are_kept(world: World) -> None:
    path = state.path_in(world.home)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "good"}))

    state.scanned(world.home, state.load(world.home), "2026-11-10T09:00:00Z", "boot")

    assert json.loads(path.read_text())["mood"] == "good"


class website:
    """Answers everything alike; notes whom it is asked for as a proxy."""

    def __init__(self, status: int, body: bytes, heard: list[str] | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                if heard is not None:
                    heard.append(f"CONNECT {self.path}")
                self.send_error(status)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True

    def __enter__(self) -> str:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{self._http.server_port}"

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
