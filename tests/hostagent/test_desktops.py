"""Linux's own ways to a person, with programs of the same names that write down how they were called."""

import os
import time
from pathlib import Path

import pytest

from hostagent.host import Host
from hostagent.person import prompter_of
from hostagent.person.base import Notice
from hostagent.person.linux import Desktop
from hostagent.person.nobody import Nobody
from tests.hostagent.conftest import wait_until

ASK = Notice("before", "Updates & more", "Save <now>.\x1b[2J", deferrals=2, defers_for="1 hour", seconds=60)


class Machine:
    """Programs in a folder, terminals in another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs, self.devices = folder / "bin", folder / "dev"
        for path in (self.programs, self.devices / "pts"):
            path.mkdir(parents=True)
        for name in ("sh", "cat", "sleep"):
            (self.programs / name).symlink_to(f"/bin/{name}")

    def program(self, name: str, does: str = "") -> None:
        path = self.programs / name
        path.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "{name}" "$@" "on $DISPLAY" >> {self.folder}/{name}.calls\n{does}\n'
        )
        path.chmod(0o755)

    def sessions(self, *sessions: str) -> None:
        listing = "\n".join(f"{number} 0 root" for number in range(len(sessions)))
        cases = "\n".join(f"{number}) cat <<'END'\n{text}\nEND\n;;" for number, text in enumerate(sessions))
        self.program(
            "loginctl", f'if [ "$1" = list-sessions ]; then cat <<END\n{listing}\nEND\nfi\ncase "$2" in\n{cases}\nesac'
        )

    def called(self, name: str) -> list[str]:
        path = self.folder / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def prompter(self) -> Desktop:
        return Desktop(str(self.programs), self.devices)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def session(kind: str, *, state: str = "active", of: str = "user", terminal: str = "", display: str = ":7") -> str:
    return f"Name=root\nUser={os.geteuid()}\nType={kind}\nState={state}\nClass={of}\nTTY={terminal}\nDisplay={display}"


def answered(machine: Machine) -> str | None:
    dialog = machine.prompter.ask(ASK)
    try:
        wait_until(lambda: dialog.answer() is not None, seconds=10)
        return dialog.answer()
    finally:
        dialog.close()


@pytest.mark.parametrize(("code", "answer"), [(0, "now"), (1, "defer")])
def test_ask__zenity__gives_the_button_that_was_pressed(machine: Machine, code: int, answer: str):
    machine.sessions(session("x11"))
    machine.program("zenity", f"sleep 1.2; exit {code}")

    assert machine.prompter.can_answer()
    assert answered(machine) == answer

    call = machine.called("zenity")
    assert "--no-markup" in call
    assert "--cancel-label=Later (1 hour, 2 left)" in call
    assert call[-4:] == ["--text=Updates & more", "", "Save <now>.[2J", "on :7"]


def test_ask__kdialog_where_zenity_is_not__gives_its_button(machine: Machine):
    machine.sessions(session("wayland"))
    machine.program("kdialog", "sleep 1.2; exit 1")

    assert answered(machine) == "defer"


def test_ask__screen_that_cannot_be_opened__is_no_answer(machine: Machine):
    machine.sessions(session("x11"))
    # As zenity ends where there is no display.
    machine.program("zenity", "exit 1")

    dialog = machine.prompter.ask(ASK)
    wait_until(lambda: machine.called("zenity"))
    wait_until(dialog.has_ended)
    at_once = dialog.answer()
    time.sleep(1)

    assert (at_once, dialog.answer()) == (None, None)


def test_ask__question_is_over__closes_the_window(machine: Machine):
    machine.sessions(session("x11"))
    machine.program("zenity", f"echo $$ > {machine.folder}/pid; exec sleep 60")
    dialog = machine.prompter.ask(ASK)
    wait_until(lambda: (machine.folder / "pid").exists() and (machine.folder / "pid").read_text().strip())

    dialog.close()

    assert dialog.answer() is None
    with pytest.raises(ProcessLookupError):
        os.kill(int((machine.folder / "pid").read_text()), 0)


def test_can_answer__only_greeters_terminals_and_those_who_leave__is_false(machine: Machine):
    machine.program("zenity")
    machine.sessions(
        session("x11", of="greeter"), session("x11", state="closing"), session("tty", terminal="pts/1", display="")
    )

    assert not machine.prompter.can_answer()


def test_can_answer__desktop_without_a_program_to_ask__is_false(machine: Machine):
    machine.sessions(session("x11"))

    assert not machine.prompter.can_answer()


def test_show__desktop_and_terminal__tells_both(machine: Machine):
    machine.program("notify-send")
    machine.sessions(session("x11"), session("tty", terminal="pts/1", display=""))
    terminal = machine.devices / "pts/1"
    terminal.touch()

    assert machine.prompter.show(ASK)

    wait_until(lambda: len(machine.called("notify-send")) >= 5)
    assert machine.called("notify-send")[1:5] == ["--urgency=normal", "--", "Updates & more", "Save &lt;now&gt;.[2J"]
    assert terminal.read_text().split() == ["Updates", "&", "more", "Save", "<now>.[2J"]


def test_show__without_logind__tells_all_terminals_if_there_is_anybody(machine: Machine):
    machine.program("wall", f"cat > {machine.folder}/wall.text")
    machine.program("who", "")
    alone = machine.prompter.show(ASK)
    machine.program("who", "echo root pts/1")

    told = machine.prompter.show(ASK)

    assert (alone, told) == (False, True)
    assert "Save <now>.[2J" in (machine.folder / "wall.text").read_text()


def test_prompter__folder_that_plays_a_machine__disturbs_nobody(tmp_path: Path):
    assert isinstance(prompter_of(Host(tmp_path)), Nobody)
    assert isinstance(prompter_of(Host()), Desktop)
