"""What a script prints is shown while it runs; whatever the server says to that, the script is not disturbed."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostagent import live
from hostagent.output import Bounded
from tests.hostagent.conftest import World
from tests.hostagent.server import Server, script_step


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.Live.__init__, "__kwdefaults__", {"every": 0.0})


def test_live__a_script_that_takes_its_time__is_shown_in_pieces(world: World, server: Server):
    server.offer(script_step(1, "echo one; sleep 0.4; echo two; sleep 0.4; echo three"))

    world.once()

    text = "".join(piece["text"] for piece in server.outputs)
    assert len(server.outputs) >= 2
    assert text.startswith("one\ntwo\n")
    assert [piece["offset"] for piece in server.outputs][:2] == [0, 4]
    assert server.ends()[1]["output"] == "one\ntwo\nthree\n"


def test_live__a_flood__is_bounded(world: World, server: Server):
    server.offer(
        script_step(
            1, "i=0; while [ $i -lt 8 ]; do head -c 20000000 /dev/zero | tr '\\0' x; i=$((i+1)); sleep 0.1; done"
        )
    )

    world.once()

    assert all(piece["size"] <= live.PIECE for piece in server.outputs)
    assert server.reasons() == ["done"]
    assert server.ends()[1]["outputCut"]


@pytest.mark.parametrize("status", [404, 409, 500])
def test_live__server_wants_none__the_script_goes_on(world: World, server: Server, status: int):
    server.instead["output"] = deque([(status, {}, {"message": "no"})] * 50)
    server.offer(script_step(1, "echo one; sleep 0.5; echo two"))

    world.once()

    assert server.reasons() == ["done"]
    assert len(server.instead["output"]) == (49 if status < 500 else len(server.instead["output"]))


@given(st.lists(st.binary(max_size=40_000), max_size=12), st.integers(1, 20_000))
def test_since__read_as_it_grows__is_what_was_printed_where_nothing_is_left_out(blocks: list[bytes], most: int):
    printed, whole = Bounded(), b""
    at, gaps = 0, False
    for block in blocks:
        printed.feed(block)
        whole += block
        offset, data = printed.since(at, most)
        gaps = gaps or offset > at
        assert data == whole[offset : offset + len(data)]
        assert len(data) <= most
        at = offset + len(data)
    for _ in range(len(whole) // most + 4):
        offset, data = printed.since(at, most)
        assert data == whole[offset : offset + len(data)]
        at = offset + len(data)
    # What may be half a character waits.
    assert len(whole) - at <= 3


def test_since__ends_within_a_character__waits_for_the_rest():
    printed = Bounded()
    printed.feed("ä".encode() + "ö".encode()[:1])
    first = printed.since(0, 100)
    printed.feed("ö".encode()[1:])

    assert first == (0, "ä".encode())
    assert printed.since(2, 100) == (2, "ö".encode())
