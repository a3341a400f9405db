"""Files that are fetched: whole, the right ones, and within bounds, whatever the line does."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from hostagent.clock import Clock
from hostagent.downloads import DownloadFailed, Downloads, Stopped
from tests.hostagent.files import Files, serving

CONTENT = os.urandom(1_000_000)


@pytest.fixture
def files() -> Iterator[Files]:
    with serving(CONTENT) as files:
        yield files


def downloads(**options: object) -> Downloads:
    return Downloads(Clock(), Event(), **{"pause": 0.001, **options})  # type: ignore[arg-type]


def fails(path: Path, url: str, sha256: str = "0" * 64, **options: object) -> tuple[str, str]:
    with pytest.raises(DownloadFailed) as caught:
        downloads(**options).fetch(url, sha256=sha256, path=path)
    assert not path.exists()
    return caught.value.reason, str(caught.value)


def test_fetch__whole__is_there(files: Files, tmp_path: Path):
    downloads().fetch(f"{files.url}/a", sha256=files.sha256.upper(), path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_fetch__connection_breaks_twice__goes_on_from_where_it_was(files: Files, tmp_path: Path):
    files.breaks = [300_000, 300_000]

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert files.requests == [None, "bytes=300000-", "bytes=600000-"]


def test_fetch__file_changes_between_two_connections__begins_anew(files: Files, tmp_path: Path):
    class Changing(Clock):
        def wait(self, event: Event, seconds: float) -> bool:
            files.tag, files.content = '"2"', CONTENT[::-1]
            return False

    files.breaks = [300_000]
    fetching = Downloads(Changing(), Event())

    fetching.fetch(f"{files.url}/a", sha256=_sha256(CONTENT[::-1]), path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT[::-1]


def test_fetch__server_knows_no_ranges__begins_anew(files: Files, tmp_path: Path):
    files.ranges, files.breaks = False, [300_000]

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [CONTENT[:500_000], CONTENT])
def test_fetch__earlier_life_kept_a_part__is_not_fetched_again(files: Files, tmp_path: Path, kept: bytes):
    (tmp_path / "a.part").write_bytes(kept)

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert files.requests == [f"bytes={len(kept)}-"]


def test_fetch__earlier_life_kept_another_file__is_fetched_whole(files: Files, tmp_path: Path):
    (tmp_path / "a.part").write_bytes(b"x" * 500_000)

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_fetch__earlier_life_kept_more_than_there_is__is_fetched_whole(files: Files, tmp_path: Path):
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_fetch__another_digest__is_refused_and_nothing_stays(files: Files, tmp_path: Path):
    reason, text = fails(tmp_path / "a", f"{files.url}/a")

    assert reason == "bad_file_digest"
    assert files.sha256 in text
    assert list(tmp_path.iterdir()) == []


def test_fetch__connection_never_brings_anything__is_given_up(files: Files, tmp_path: Path):
    files.breaks = [0] * 20

    reason, text = fails(tmp_path / "a", f"{files.url}/a", files.sha256)

    assert (reason, len(files.requests)) == ("download_failed", 5)
    assert "broke after 0 of 1000000" in text


def test_fetch__server_is_busy__is_tried_again(files: Files, tmp_path: Path):
    files.instead = [(503, ""), (429, "")]

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_fetch__not_there__is_not_tried_again(files: Files, tmp_path: Path):
    files.instead = [(404, "")]

    assert fails(tmp_path / "a", f"{files.url}/a") == ("download_failed", f"{files.url}/a: HTTP 404 Not Found")
    assert len(files.requests) == 1


@pytest.mark.parametrize("says_length", [True, False])
def test_fetch__larger_than_allowed__is_given_up(files: Files, tmp_path: Path, says_length: bool):
    files.says_length = says_length

    reason, _ = fails(tmp_path / "a", f"{files.url}/a", files.sha256, largest=999_999)

    assert reason == "download_failed"


def test_fetch__no_room_for_it__is_said_before_it_begins(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))

    assert fails(tmp_path / "a", f"{files.url}/a", files.sha256)[0] == "disk_full"
    assert not (tmp_path / "a.part").exists()


def test_fetch__disk_fills_meanwhile__is_said(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: object, *_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hostagent.downloads._Transfer._copy", full)

    assert fails(tmp_path / "a", f"{files.url}/a", files.sha256)[0] == "disk_full"


def test_fetch__takes_too_long__is_given_up(files: Files, tmp_path: Path):
    reason, text = fails(tmp_path / "a", f"{files.url}/a", files.sha256, whole=-1.0)

    assert reason == "download_failed"
    assert "longer than" in text


def test_fetch__agent_is_to_end__keeps_what_it_has(files: Files, tmp_path: Path):
    stop = Event()

    class Stopping(Clock):
        def wait(self, event: Event, seconds: float) -> bool:
            stop.set()
            return True

    files.breaks = [300_000]
    with pytest.raises(Stopped):
        Downloads(Stopping(), stop).fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a.part").read_bytes() == CONTENT[:300_000]


def test_fetch__led_elsewhere_on_this_machine__follows(files: Files, tmp_path: Path):
    files.instead = [(302, f"{files.url}/b")]

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["http://files.example/a", "ftp://files.example/a", "file:///etc/passwd"])
def test_fetch__led_to_where_others_listen__is_refused(files: Files, tmp_path: Path, target: str):
    files.instead = [(302, target)]

    reason, text = fails(tmp_path / "a", f"{files.url}/a")

    assert reason == "download_failed"
    assert "refused" in text or "not allowed" in text


@pytest.mark.parametrize(
    "url", ["http://files.example/a", "ftp://127.0.0.1/a", "file:///etc/passwd", "a", "http://[::"]
)
def test_fetch__address_that_others_can_listen_to__is_refused(tmp_path: Path, url: str):
    assert fails(tmp_path / "a", url)[0] == "download_failed"


def test_fetch__proxy_in_the_environment__is_not_asked_for_this_machine(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    downloads().fetch(f"{files.url}/a", sha256=files.sha256, path=tmp_path / "a")

    assert (tmp_path / "a").exists()


def test_fetch__proxy_in_the_environment__is_asked_for_other_machines(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("https_proxy", files.url)

    # The proxy of this test cannot connect, and says so; nothing else was asked.
    reason, text = fails(tmp_path / "a", "https://files.example/a")

    assert reason == "download_failed"
    assert "501" in text


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
