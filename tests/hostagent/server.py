"""The server's side of the protocol, small enough to be believed: what tests hold the agent against."""

import base64
import hashlib
import json
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.contacts import Held, Sent, Verdict, after, judge
from agents.releasing import Built, key_id, rank

AGENT_ID = "5f0c8f0e-1111-4222-8333-944444444444"
CREDENTIAL = "agent-credential"
ACTIVATION_KEY = "activation-key"
KEY_ID = "key-1"


def script_step(number: int, text: str, *, stage: str = "pre", timeout: int = 30) -> dict[str, Any]:
    content = text.encode()
    return {
        "number": number,
        "kind": "action",
        "stage": stage,
        "actionId": "a",
        "action": "Run Script",
        "name": "script",
        "scriptType": "sh",
        "script": base64.b64encode(content).decode(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "timeout": timeout,
    }


def script_part(text: str) -> dict[str, Any]:
    content = text.encode()
    encoded = base64.b64encode(content).decode()
    return {"scriptType": "sh", "script": encoded, "sha256": hashlib.sha256(content).hexdigest()}


def install_step(
    number: int,
    url: str,
    sha256: str,
    *,
    script: str | None = None,
    detection: str | None = None,
    by_script: bool = False,
    timeout: int = 30,
    stage: str = "pre",
) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "action",
        "stage": stage,
        "actionId": "a",
        "action": "Install Software",
        "name": "software",
        "timeout": timeout,
        "install": {
            "url": url,
            "sha256": sha256,
            "method": "script" if by_script else "installer",
            "detection": script_part(detection) if detection is not None else None,
            "script": script_part(script) if script is not None else None,
        },
    }


def reboot_step(number: int, *, timeout: int = 30) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "action",
        "stage": "pre",
        "actionId": "a",
        "action": "System Reboot",
        "name": "restart",
        "timeout": timeout,
        "reboot": {},
    }


def patch_step(
    number: int, package: str, version: str, *, back_to: str | None = None, operation: str = "install"
) -> Any:
    return {
        "number": number,
        "kind": "patch",
        "operation": operation,
        "patchId": "p",
        "package": package,
        "architecture": None,
        "version": version,
        "from": back_to,
    }


def scan_step(number: int) -> dict[str, Any]:
    return {"number": number, "kind": "scan"}


class Server:
    """Hands out what is in `envelopes`, keeps what is reported, and misbehaves as it is told."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.envelopes: list[dict[str, Any]] = []
        self.reports: dict[tuple[int, int], list[dict[str, Any]]] = {}
        self.refusals: list[dict[str, Any]] = []
        self.scans: list[dict[str, Any]] = []
        self.check_ins: list[dict[str, Any]] = []
        self.drop: list[int] = []
        self.stale: set[tuple[int, int]] = set()
        self.scan_wanted = False
        self.poll_seconds = 0.05
        # Answers to lose after the request was followed: how many of which path.
        self.lose: Counter[str] = Counter()
        # Answers to give instead of following the request, by path: (status, headers, body).
        self.instead: dict[str, deque[tuple[int, dict[str, str], dict[str, Any]]]] = {}
        self.passed_over = 0
        # As the real server judges it; `copies` are the proved ones, and stop everybody.
        self.contact = Held(0, None)
        self.left = False
        # Newest last; offered to an agent of an older version, whose archive it may fetch.
        self.release_key = Ed25519PrivateKey.generate()
        self.releases: list[Built] = []
        self.outputs: list[dict[str, Any]] = []
        self.copies: list[Sent] = []
        self._lock = Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def public_key(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def offer(self, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Sign a manifest and hand it out from the next check-in on, until something is reported of it."""
        envelope = self.envelope(*steps, **changes)
        self.envelopes.append(envelope)
        return envelope

    def envelope(self, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        content = {
            "format": 1,
            "agentId": AGENT_ID,
            "hostTaskId": 1,
            "attempt": 1,
            "fence": 7,
            "jobId": "j",
            "jobName": "job",
            "runId": 3,
            "notBefore": (now - timedelta(minutes=1)).isoformat(),
            "notAfter": (now + timedelta(hours=1)).isoformat(),
            "steps": list(steps),
        } | changes
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        signature = base64.b64encode(self.key.sign(text.encode())).decode()
        return {"manifest": text, "keyId": KEY_ID, "signature": signature}

    def kinds(self, host_task_id: int = 1, attempt: int = 1) -> list[str]:
        return [report["kind"] for report in self.reports.get((host_task_id, attempt), [])]

    def ends(self, host_task_id: int = 1, attempt: int = 1) -> dict[int, dict[str, Any]]:
        """Of each step, the report of its end."""
        reports = self.reports.get((host_task_id, attempt), [])
        finished = [report for report in reports if report["kind"] == "step_finished"]
        assert len({report["number"] for report in finished}) == len(finished), "a step has ended twice"
        return {report["number"]: report for report in finished}

    def reasons(self, host_task_id: int = 1, attempt: int = 1) -> list[str]:
        return [end["reason"] for _, end in sorted(self.ends(host_task_id, attempt).items())]

    def answer(self, path: str, authorisation: str | None, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        with self._lock:
            if self.instead.get(path):
                return self.instead[path].popleft()
            if path == "enrol":
                return self._enrol(body)
            if self.left or authorisation != f"Agent {CREDENTIAL}":
                return 401, {}, {"message": "unknown"}
            if self.copies:
                return self._stopped()
            answers = {
                "check-in": self._check_in,
                "reports": self._report,
                "scan": self._scan,
                "output": self._output,
                "whoami": lambda _: (200, {}, {"agentId": AGENT_ID, "assetId": "asset"}),
                "leave": self._leave,
            }
            return answers[path](body)

    def _enrol(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        if body["activationKey"] != ACTIVATION_KEY:
            return 403, {}, {"message": "the activation key is not known"}
        keys = [{"keyId": KEY_ID, "publicKey": self.public_key}]
        answer = {"assetId": "asset", "agentId": AGENT_ID, "credential": CREDENTIAL, "manifestKeys": keys}
        raw = self.release_key.public_key().public_bytes_raw()
        releases = [{"keyId": key_id(self.release_key.public_key()), "publicKey": base64.b64encode(raw).decode()}]
        return 201, {}, answer | {"pollSeconds": self.poll_seconds, "releaseKeys": releases}

    def _follow(self, sent: Sent) -> tuple[int, dict[str, str], Any] | None:
        verdict = judge(self.contact, sent)
        if verdict is Verdict.FOLLOWED and sent.proof != "proof":
            return 409, {}, {"message": "was followed already", "prove": "proof"}
        if verdict is Verdict.FOLLOWED:
            self.copies.append(sent)
            return self._stopped()
        if verdict is not Verdict.ANSWER_LOST:
            self.contact = after(self.contact, sent)
        return None

    def _stopped(self) -> tuple[int, dict[str, str], Any]:
        return 403, {}, {"message": "two copies ran", "errorCode": "1923"}

    def _check_in(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        refused = self._follow(Sent(**{"proof": "", **body["contact"]}))
        if refused is not None:
            return refused
        self.check_ins.append(body)
        waiting = (envelope for envelope in self.envelopes if self._key(envelope) not in self.reports)
        answer = {"pollSeconds": self.poll_seconds, "scan": self.scan_wanted, "manifest": next(waiting, None)}
        self.scan_wanted = False
        contact = {"sequence": self.contact.sequence, "token": self.contact.token}
        update = self._offer(body["agentVersion"])
        return 200, {}, answer | {"drop": self.drop, "contact": contact, "update": update}

    def _offer(self, version: str) -> dict[str, str] | None:
        if not self.releases or rank(version) >= rank(self.releases[-1].version):
            return None
        newest = self.releases[-1]
        signature = base64.b64encode(newest.signature).decode()
        offer = {"manifest": newest.manifest, "keyId": newest.key_id, "signature": signature}
        return offer | {"version": newest.version, "url": f"/agent/v1/releases/{newest.version}"}

    def _report(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        key = body["hostTaskId"], body["attempt"]
        if key in self.stale:
            return 409, {}, {"message": "another attempt", "stale": True}
        kept = self.reports.setdefault(key, [])
        for report in body["reports"]:
            if report["kind"] == "refused":
                self.refusals.append(report)
            if report["sequence"] <= len(kept):
                self.passed_over += 1
            elif report["sequence"] > len(kept) + 1:
                return 409, {}, {"message": "a gap", "acceptedThrough": len(kept)}
            else:
                kept.append(report)
        return 200, {}, {"acceptedThrough": len(kept)}

    def _leave(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.left = True
        return 200, {}, {"left": True}

    def _output(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.outputs.append(body)
        return 200, {}, {"received": body["offset"] + body["size"]}

    def _scan(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.scans.append(body)
        return 200, {}, {"accepted": True}

    def _key(self, envelope: dict[str, Any]) -> tuple[int, int]:
        try:
            content = json.loads(envelope["manifest"])
            return content["hostTaskId"], content["attempt"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return (0, 0)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path = self.path.removeprefix("/agent/v1/")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, answer = server.answer(path, self.headers.get("Authorization"), body)
            if server.lose[path] > 0:
                server.lose[path] -= 1
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            version = self.path.removeprefix("/agent/v1/releases/")
            content = next((one.archive for one in server.releases if one.version == version), b"")
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
