"""Linux: a dialog on each desktop, a few lines on each terminal.

Who is signed in is asked of logind; without it, `wall` reaches those that `who` names. A question needs a desktop with
zenity or kdialog; who has only a terminal, or a desktop without them, is told, and cannot answer.
"""

import html
import logging
import os
import pwd
import shutil
import subprocess
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hostagent.person.base import Dialog, Notice, Prompter

log = logging.getLogger(__name__)

_QUESTION = 10.0
# Seconds in which nobody reads a question and puts it off.
_FASTEST = 0.8
_GRAPHICAL = {"x11", "wayland", "mir"}
_PROPERTIES = ["Name", "User", "Type", "State", "Class", "TTY", "Display"]
# Of the environment of a person's own service manager: where their screen is.
_SCREEN = {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in. `terminal` is below /dev, `display` an X11 display; both may be empty."""

    user: str
    uid: int
    is_graphical: bool
    terminal: str
    display: str


class Desktop(Prompter):
    """`programs` is where they are looked for; the tests' own have the same names."""

    def __init__(self, programs: str = _PATH, devices: Path = Path("/dev")) -> None:
        self._programs, self._devices = programs, devices

    def is_anybody(self) -> bool:
        return bool(self._sessions() or self._answer(["who"]).strip())

    def can_answer(self) -> bool:
        return self._asker() is not None and any(session.is_graphical for session in self._sessions())

    def show(self, notice: Notice) -> bool:
        sessions = self._sessions()
        shown = [self._show_to(session, notice) for session in sessions]
        return any(shown) if sessions else self._tell_all(notice)

    def ask(self, notice: Notice) -> "Windows":
        asker = self._asker()
        opened = []
        for session in self._sessions() if asker else []:
            if session.is_graphical and (process := self._open(session, _question(asker or "", notice))):
                opened.append(process)
            elif not session.is_graphical:
                self._show_to(session, notice)
        return Windows(opened)

    def _asker(self) -> str | None:
        return next((name for name in ("zenity", "kdialog") if self._find(name)), None)

    def _find(self, name: str) -> str | None:
        return shutil.which(name, path=self._programs)

    def _sessions(self) -> list[Session]:
        listing = self._answer(["loginctl", "list-sessions", "--no-legend"])
        ids = [line.split()[0] for line in listing.splitlines() if line.split()]
        found = [_session(self._answer(["loginctl", "show-session", one, *_wanted()])) for one in ids]
        return [session for session in found if session is not None]

    def _show_to(self, session: Session, notice: Notice) -> bool:
        if session.is_graphical and self._find("notify-send"):
            urgency = "low" if notice.minimised else "critical" if notice.kind == "countdown" else "normal"
            command = [*self._as(session), "notify-send", f"--urgency={urgency}", "--", *_marked(notice)]
            done = self._run(command, env=self._environment(session))
            return done is not None and done.returncode == 0
        return bool(session.terminal) and self._write(self._devices / session.terminal, notice)

    def _write(self, terminal: Path, notice: Notice) -> bool:
        try:
            # A terminal that is stopped (Ctrl-S) must not stop us.
            handle = os.open(terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                os.write(handle, _lines(notice).encode())
            finally:
                os.close(handle)
        except OSError as error:
            log.info("cannot write to %s: %s", terminal, error)
            return False
        return True

    def _tell_all(self, notice: Notice) -> bool:
        if not self._find("wall") or not self._answer(["who"]).strip():
            return False
        done = self._run(["wall"], given=_lines(notice))
        return done is not None and done.returncode == 0

    def _open(self, session: Session, command: Sequence[str]) -> "subprocess.Popen[bytes] | None":
        """Start a program on a person's desktop, as that person."""
        try:
            return subprocess.Popen(
                [*self._as(session), *command],
                env=self._environment(session),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            log.warning("cannot reach the desktop of %s: %s", session.user, error)
            return None

    def _as(self, session: Session) -> list[str]:
        return [] if session.uid == os.geteuid() else ["runuser", "-u", session.user, "--"]

    def _environment(self, session: Session) -> dict[str, str]:
        runtime = f"/run/user/{session.uid}"
        environment = {
            "PATH": self._programs,
            "HOME": _home(session),
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": runtime,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        }
        if session.display:
            environment["DISPLAY"] = session.display
        told = self._answer([*self._as(session), "systemctl", "--user", "show-environment"], env=environment)
        pairs = (line.partition("=") for line in told.splitlines())
        # A value in quotes has signs in it that no screen's address has.
        return environment | {
            name: value for name, _, value in pairs if name in _SCREEN and value[:1] not in ("$", "'")
        }

    def _answer(self, command: Sequence[str], *, given: str = "", env: Mapping[str, str] | None = None) -> str:
        done = self._run(command, given=given, env=env)
        return done.stdout if done and done.returncode == 0 else ""

    def _run(
        self, command: Sequence[str], *, given: str = "", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str] | None":
        if not self._find(command[0]):
            return None
        try:
            return subprocess.run(
                command,
                env=dict(env or {"PATH": self._programs, "LC_ALL": "C.UTF-8"}),
                input=given,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_QUESTION,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.info("%s: %s", command[0], error)
            return None


class Windows(Dialog):
    """Windows of zenity or kdialog: 0 is the first button, 1 the second or the window's own close."""

    def __init__(self, processes: "list[subprocess.Popen[bytes]]") -> None:
        self._processes = processes
        self._opened = time.monotonic()
        self._blind: set[int] = set()

    def answer(self) -> str | None:
        codes = {process.pid: process.poll() for process in self._processes}
        if time.monotonic() < self._opened + _FASTEST:
            # Also how these programs end where there is no screen.
            self._blind |= {pid for pid, code in codes.items() if code == 1}
        seen = {code for pid, code in codes.items() if pid not in self._blind}
        return "now" if 0 in seen else "defer" if 1 in seen else None

    def has_ended(self) -> bool:
        """Whether no window is left."""
        return all(process.poll() is not None for process in self._processes)

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wanted() -> list[str]:
    return [f"--property={name}" for name in _PROPERTIES]


def _session(listing: str) -> Session | None:
    """Of `loginctl show-session`; None of one that is ending, or is no person's (a greeter, a service)."""
    told = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    if told.get("Class") != "user" or told.get("State") == "closing" or not told.get("User", "").isdigit():
        return None
    return Session(
        user=told.get("Name", ""),
        uid=int(told["User"]),
        is_graphical=told.get("Type") in _GRAPHICAL,
        terminal=told.get("TTY", "") if ".." not in told.get("TTY", "") else "",
        display=told.get("Display", ""),
    )


def _question(program: str, notice: Notice) -> list[str]:
    title, text = _both(notice)
    later = f"Later ({notice.defers_for}, {notice.deferrals} left)"
    # The words of the job stand behind "=", so that none of them can be an option.
    if program == "zenity":
        # Should we be killed, nobody else would close it.
        labels = [f"--timeout={notice.seconds}", "--ok-label=Now", f"--cancel-label={later}"]
        # zenity reads \\n and the like in its text, markup or not.
        shown = f"{title}\n\n{text}".replace("\\", "\\\\")
        return ["zenity", "--question", "--no-markup", *labels, f"--title={title}", f"--text={shown}"]
    return ["kdialog", f"--title={title}", "--yes-label=Now", f"--no-label={later}", f"--yesno={title}\n\n{text}"]


def _both(notice: Notice) -> tuple[str, str]:
    return _plain(notice.title), _plain(notice.text)


def _marked(notice: Notice) -> tuple[str, str]:
    """A notification's text is markup."""
    title, text = _both(notice)
    return title, html.escape(text, quote=False)


def _lines(notice: Notice) -> str:
    title, text = _both(notice)
    return f"\r\n{title}\r\n{text}\r\n".replace("\r\n\r\n", "\r\n")


def _plain(text: str) -> str:
    """Without signs that a terminal or a desktop would follow instead of showing."""
    return "".join(sign for sign in text if sign == "\n" or unicodedata.category(sign)[0] != "C")


def _home(session: Session) -> str:
    try:
        return pwd.getpwuid(session.uid).pw_dir
    except KeyError:
        return "/"
