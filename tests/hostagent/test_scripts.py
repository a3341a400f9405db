"""Scripts: their end, their time, and what they print."""

import time

import pytest

from hostagent import output
from tests.hostagent.conftest import World, is_alive
from tests.hostagent.server import Server, script_step


def test_script__in_a_rooted_host__knows_its_root_and_nothing_of_ours(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET", "of the agent")
    server.offer(script_step(1, 'echo "$PATCH_ROOT|$DPKG_ROOT|$(pwd)|$SECRET|$(wc -c)"'))

    world.once()

    root = str(world.host.root)
    assert server.ends()[1]["output"] == f"{root}|{root}|{root}||0\n"


def test_script__timeout__ends_its_whole_session(world: World, server: Server):
    script = """
    trap '' TERM
    ( ( trap '' TERM; echo $(exec sh -c 'echo $PPID') >> $PATCH_ROOT/pids; while :; do sleep 30; done ) & ) &
    sleep 0.3; echo $$ >> $PATCH_ROOT/pids; echo waiting; while :; do sleep 30; done
    """
    server.offer(script_step(1, script, timeout=1))
    began = time.monotonic()

    world.once()

    assert time.monotonic() - began < 10
    end = server.ends()[1]
    assert (end["state"], end["reason"], end["output"]) == ("failed", "timed_out", "waiting\n")
    pids = world.lines("pids")
    assert len(pids) == 2
    assert not [pid for pid in pids if is_alive(int(pid))]


def test_script__leaves_a_daemon_with_the_pipe__is_not_waited_for(world: World, server: Server):
    server.offer(script_step(1, "echo started; sleep 5 & exit 0", stage="post"))
    began = time.monotonic()

    world.once()

    assert time.monotonic() - began < 4
    assert (server.reasons(), server.ends()[1]["output"]) == (["done"], "started\n")


def test_script__prints_for_ever__is_kept_short(world: World, server: Server):
    server.offer(script_step(1, "echo first; head -c 30000000 /dev/zero | tr '\\0' 'x'; echo; echo last", stage="post"))

    world.once()

    end = server.ends()[1]
    assert end["outputCut"] is True
    assert len(end["output"].encode()) <= 64 * 1024
    assert end["output"].startswith("first\n")
    assert end["output"].endswith("x\nlast\n")


def test_script__prints_bytes_that_are_no_text__are_replaced(world: World, server: Server):
    server.offer(script_step(1, r"printf 'a\000b\377c'"))

    world.once()

    assert (server.ends()[1]["output"], server.ends()[1]["outputCut"]) == ("ab�c", False)


@pytest.mark.parametrize("size", [0, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("byte", [b"x", b"\xff"])
def test_bounded__any_size__never_exceeds_64_kib(size: int, byte: bytes):
    kept = output.Bounded()
    for start in range(0, size, 1000):
        kept.feed(byte * min(1000, size - start))

    text, cut = kept.text()

    assert len(text.encode()) <= output.LIMIT
    assert cut or len(text) == size
