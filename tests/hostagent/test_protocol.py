"""The agent against a server that loses answers, says no, changes its mind, or is not the server."""

import base64
import json
import stat
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hostagent import enrolment, state
from hostagent.__main__ import main
from hostagent.agent import Agent
from hostagent.client import Client
from hostagent.clock import Clock
from hostagent.errors import AgentError, AlreadyEnrolled, AlreadyRunning, Answered, Unauthorised, Unreachable
from hostagent.host import Host
from hostagent.lock import only_instance
from tests.hostagent.conftest import World
from tests.hostagent.server import ACTIVATION_KEY, CREDENTIAL, Server, patch_step, scan_step, script_step

TOUCH = script_step(1, "echo ran >> $PATCH_ROOT/effects")


def test_enrol__good_key__keeps_identity_to_itself(world: World):
    path = state.path_in(world.home)

    kept = state.load(world.home)

    assert kept.credential == CREDENTIAL
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_enrol__twice__is_refused(world: World):
    with pytest.raises(AlreadyEnrolled):
        world.enrol()


def test_enrol__unknown_key__says_why(world: World, server: Server):
    with pytest.raises(AgentError, match="activation key is not accepted: the activation key is not known"):
        enrolment.enrol(server.url, "wrong", home=world.home / "other", host=Host(world.host.root))


def test_enrol__signing_key_not_ready__asks_again(world: World, server: Server):
    server.instead["enrol"] = deque([(503, {"Retry-After": "1"}, {})] * 6)

    enrolled = enrolment.enrol(server.url, ACTIVATION_KEY, home=world.home / "other", host=Host(world.host.root))

    assert enrolled.manifest_keys


def test_commands__status_and_wrong_folder(world: World, capsys: pytest.CaptureFixture[str]):
    assert main(["status", "--json", "--home", str(world.home)]) == 0
    assert json.loads(capsys.readouterr().out)["agentId"] == state.load(world.home).agent_id
    assert main(["run", "--home", str(world.home / "nowhere")]) == 1
    assert "enrol first" in capsys.readouterr().err


def test_run__second_agent_on_the_folder__is_refused(world: World):
    with only_instance(world.home), pytest.raises(AlreadyRunning):
        world.once()


@pytest.mark.parametrize("path", ["check-in", "reports"])
@pytest.mark.parametrize("lost", [1, 3])
def test_run__answers_lost__nothing_is_doubled(world: World, server: Server, path: str, lost: int):
    server.lose[path] = lost
    server.offer(TOUCH, patch_step(2, "acme-app", "2.0"), scan_step(3))

    world.once()

    assert world.lines("effects") == ["ran"]
    assert world.ledger() == ["configured acme-app 2.0"]
    assert server.reasons() == ["done", "done", "done"]
    assert server.kinds()[-1] == "finished"


def test_run__server_away_for_the_whole_task__tells_all_in_the_next_life(world: World, server: Server):
    server.offer(TOUCH)
    server.instead["reports"] = deque([(500, {}, {})] * 400)

    with pytest.raises(Unreachable):
        world.once()
    server.instead.clear()
    world.once()

    assert world.lines("effects") == ["ran"]
    assert server.kinds() == ["accepted", "step_started", "step_finished", "finished"]


def test_report__server_has_less_than_it_said__sends_from_there(world: World, server: Server):
    server.offer(TOUCH)
    gap = (409, {}, {"message": "a gap", "acceptedThrough": 0})
    server.instead["reports"] = deque([gap, gap])

    world.once()

    assert server.kinds() == ["accepted", "step_started", "step_finished", "finished"]


def test_report__stale__forgets_the_task(world: World, server: Server):
    server.stale.add((1, 1))
    server.offer(TOUCH)
    server.envelopes.append(server.envelope(TOUCH, hostTaskId=2))

    with Clipped(server, after=1):
        world.once()

    assert server.reports.get((1, 1)) is None
    assert "known" in (world.home / "journal.jsonl").read_text()
    assert '"manifest"' not in (world.home / "journal.jsonl").read_text()


def test_run__unauthorised__stops_working_and_asks_again_in_ten_minutes(world: World, server: Server):
    server.instead["check-in"] = deque([(401, {}, {})])
    server.offer(TOUCH)
    stop = Event()
    clock = SkippingClock(stop, until=lambda: "finished" in server.kinds())
    agent = Agent(world.home, Host(world.host.root), clock=clock, stop=stop)

    agent.run()
    agent.close()

    assert clock.waits[0] == 600.0
    assert world.lines("effects") == ["ran"]


def test_run__rejected_credential__once_says_so(world: World, server: Server):
    server.instead["check-in"] = deque([(401, {}, {})])

    with pytest.raises(Unauthorised):
        world.once()


def wrong_key(server: Server) -> dict[str, Any]:
    envelope = server.envelope(TOUCH)
    signature = Ed25519PrivateKey.generate().sign(envelope["manifest"].encode())
    return envelope | {"signature": base64.b64encode(signature).decode()}


def changed_text(server: Server) -> dict[str, Any]:
    envelope = server.envelope(TOUCH)
    return envelope | {"manifest": envelope["manifest"].replace('"jobName":"job"', '"jobName":"jab"')}


def same_meaning_other_bytes(server: Server) -> dict[str, Any]:
    envelope = server.envelope(TOUCH)
    return envelope | {"manifest": envelope["manifest"] + " "}


def unknown_key(server: Server) -> dict[str, Any]:
    return server.envelope(TOUCH) | {"keyId": "key-2"}


def other_agent(server: Server) -> dict[str, Any]:
    return server.envelope(TOUCH, agentId="somebody-else")


def too_late(server: Server) -> dict[str, Any]:
    return server.envelope(TOUCH, notAfter=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())


def changed_script(server: Server) -> dict[str, Any]:
    return server.envelope(TOUCH | {"script": base64.b64encode(b"echo other >> $PATCH_ROOT/effects").decode()})


def unknown_format(server: Server) -> dict[str, Any]:
    return server.envelope(TOUCH, format=2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (wrong_key, "bad_signature"),
        (changed_text, "bad_signature"),
        (same_meaning_other_bytes, "bad_signature"),
        (unknown_key, "bad_signature"),
        (other_agent, "wrong_agent"),
        (too_late, "expired"),
        (changed_script, "bad_digest"),
        (unknown_format, "unsupported"),
    ],
)
def test_manifest__not_to_be_trusted__is_refused_and_nothing_runs(
    world: World, server: Server, make: Callable[[Server], dict[str, Any]], reason: str
):
    server.envelopes.append(make(server))

    world.once()

    assert [report["reason"] for report in server.refusals] == [reason]
    assert server.kinds() == ["refused"]
    assert world.lines("effects") == []


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"hostTaskId": "1"}'])
def test_manifest__names_no_host_task__is_passed_over(world: World, server: Server, text: str):
    server.envelopes.append({"manifest": text, "keyId": "key-1", "signature": ""})

    with Clipped(server, after=2):
        world.once()

    assert (server.refusals, server.reports, world.lines("effects")) == ([], {}, [])


@pytest.mark.parametrize("attempt", [1, 2])
def test_manifest__attempt_not_newer_than_one_done__is_refused(world: World, server: Server, attempt: int):
    server.offer(TOUCH, attempt=2)
    world.once()
    server.reports.clear()
    server.envelopes = [server.envelope(TOUCH, attempt=attempt)]

    world.once()

    assert [report["reason"] for report in server.refusals] == ["old_attempt"]
    assert world.lines("effects") == ["ran"]


def test_manifest__newer_attempt__is_done_beside_the_old_reports(world: World, server: Server):
    server.offer(TOUCH)
    world.once()
    server.offer(TOUCH, attempt=2)

    world.once()

    assert (server.reasons(1, 1), server.reasons(1, 2)) == (["done"], ["done"])


def test_manifest__before_its_time__is_kept_and_begun_then(world: World, server: Server):
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    server.offer(TOUCH, notBefore=soon.isoformat())

    world.once()
    early = world.lines("effects"), server.kinds()
    Clock().sleep(1.6)
    world.once()

    assert early == ([], ["accepted"])
    assert world.lines("effects") == ["ran"]


def test_run__window_ends_between_steps__skips_the_rest_but_not_the_scan(world: World, server: Server):
    deadline = datetime.now(UTC) + timedelta(seconds=1.5)
    steps = [script_step(1, "sleep 2"), patch_step(2, "acme-app", "2.0"), scan_step(3)]
    server.offer(*steps, notAfter=deadline.isoformat())

    world.once()

    assert server.reasons() == ["done", "window_over", "done"]
    assert world.version() == "1.0"


def test_run__pre_action_fails__only_the_scan_is_done(world: World, server: Server):
    server.offer(
        script_step(1, "echo no >&2; exit 3"),
        script_step(2, "touch $PATCH_ROOT/never"),
        patch_step(3, "acme-app", "2.0"),
        script_step(4, "touch $PATCH_ROOT/never", stage="post"),
        scan_step(5),
    )

    world.once()

    assert server.reasons() == ["nonzero_exit", *["earlier_step_failed"] * 3, "done"]
    assert (server.ends()[1]["exitCode"], server.ends()[1]["output"]) == (3, "no\n")
    assert not (world.host.root / "never").exists()
    assert world.version() == "1.0"


def test_run__unknown_kind_of_step__fails_and_bars_what_follows(world: World, server: Server):
    server.offer({"number": 1, "kind": "reboot"}, patch_step(2, "acme-app", "2.0"))

    world.once()

    assert server.reasons() == ["unsupported", "earlier_step_failed"]


def test_run__powershell_here__is_unsupported(world: World, server: Server):
    server.offer(TOUCH | {"scriptType": "ps"})

    world.once()

    assert (server.reasons(), world.lines("effects")) == (["unsupported"], [])


def test_drop__while_a_step_runs__no_further_step_begins(world: World, server: Server):
    server.offer(
        script_step(1, "echo one >> $PATCH_ROOT/effects; sleep 1"),
        script_step(2, "echo two >> $PATCH_ROOT/effects"),
        scan_step(3),
    )
    drop_when(server, lambda: bool(world.lines("effects")))

    world.once()

    assert world.lines("effects") == ["one"]
    assert server.reasons() == ["done", "dropped", "dropped"]
    assert server.kinds()[-1] == "finished"
    assert '"manifest"' not in (world.home / "journal.jsonl").read_text()


def test_run__while_a_step_runs__start_is_told_and_leases_are_kept(world: World, server: Server):
    server.offer(script_step(1, "sleep 1"))
    seen: list[list[str]] = []
    drop_when(server, lambda: seen.append(server.kinds()))

    world.once()

    assert ["accepted", "step_started"] in seen
    beats = [beat for beat in server.check_ins if beat["tasks"] == [{"hostTaskId": 1, "attempt": 1, "fence": 7}]]
    assert len(beats) > 3


def test_scan__asked_for__is_made_once(world: World, server: Server):
    world.once()
    server.scan_wanted = True

    world.once()
    world.once()

    assert len(server.scans) == 2


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://127.0.0.1", "http://127.0.0.1.example.com", "example.com"]
)
def test_client__not_https_and_not_loopback__is_refused(url: str):
    with pytest.raises(AgentError, match="refused"):
        Client(url, Clock(), Event())


def test_client__redirect__is_not_followed(server: Server):
    server.instead["scan"] = deque([(307, {"Location": f"{server.url}/agent/v1/scan"}, {})])

    with pytest.raises(Answered) as answered:
        Client(server.url, Clock(), Event(), CREDENTIAL).post("scan", {})

    assert (answered.value.status, server.scans) == (307, [])


def test_client__answer_without_end__is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hostagent.client._LARGEST", 1000)
    server.instead["scan"] = deque([(200, {}, {"long": "x" * 2000})] * 4)

    with pytest.raises(Unreachable, match="too long"):
        Client(server.url, Clock(), Event(), CREDENTIAL).post("scan", {})


def test_client__server_busy__waits_as_told(server: Server, monkeypatch: pytest.MonkeyPatch):
    told: list[float | None] = []
    monkeypatch.setattr("hostagent.client._pause", lambda number, retry_after: told.append(retry_after) or 0.0)
    server.instead["scan"] = deque([(429, {"Retry-After": "7"}, {}), (502, {}, {})])

    answer = Client(server.url, Clock(), Event(), CREDENTIAL).post("scan", {})

    assert (told, answer) == ([7.0, None], {"accepted": True})


class SkippingClock(Clock):
    """Notes how long the agent would wait, and does not; sets `stop` when `until` holds."""

    def __init__(self, stop: Event, until: Callable[[], bool]) -> None:
        self._stop, self._until = stop, until
        self.waits: list[float] = []

    def wait(self, event: Event, seconds: float) -> bool:
        if event is not self._stop:
            return event.wait(min(seconds, 0.05))
        self.waits.append(seconds)
        if self._until():
            self._stop.set()
        return event.wait(0.001)


class Clipped:
    """The server stops offering after a number of check-ins: it would otherwise offer what is passed over for ever."""

    def __init__(self, server: Server, after: int) -> None:
        self._server, self._after = server, after

    def __enter__(self) -> None:
        real = self._server._check_in

        def check_in(body: dict[str, Any]) -> Any:
            answer = real(body)
            if len(self._server.check_ins) > self._after:
                answer[2]["manifest"] = None
            return answer

        self._server._check_in = check_in

    def __exit__(self, *_: object) -> None:
        del self._server._check_in


def drop_when(server: Server, condition: Callable[[], object]) -> None:
    """From the check-in on at which the condition holds, the server drops host task 1."""
    real = server._check_in

    def check_in(body: dict[str, Any]) -> Any:
        if condition():
            server.drop = [1]
        return real(body)

    server._check_in = check_in
