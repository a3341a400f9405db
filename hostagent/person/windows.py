"""Windows: message boxes in the sessions of those who are signed in, by Windows' own WTS functions.

These calls have not been run: they need a Windows with a person signed in, which Wine does not play. Everything above
them is the same as elsewhere. A message box cannot be minimised; `minimised` keeps it out of the foreground.
"""

import ctypes
import logging
from threading import Thread
from typing import Any

from hostagent.person.base import Dialog, Notice, Prompter

log = logging.getLogger(__name__)

_MB_YESNO, _MB_QUESTION, _MB_INFORMATION = 0x04, 0x20, 0x40
_MB_SETFOREGROUND, _MB_TOPMOST = 0x10000, 0x40000
_YES, _NO = 6, 7
_ACTIVE = 0


class Sessions(Prompter):
    """All sessions in which somebody is active."""

    def is_anybody(self) -> bool:
        return bool(_active_sessions())

    def can_answer(self) -> bool:
        return self.is_anybody()

    def show(self, notice: Notice) -> bool:
        sessions = _active_sessions()
        for session in sessions:
            _Box(session, notice, _MB_INFORMATION, waits=False).start()
        return bool(sessions)

    def ask(self, notice: Notice) -> Dialog:
        boxes = [_Box(session, notice, _MB_YESNO | _MB_QUESTION, waits=True) for session in _active_sessions()]
        for box in boxes:
            box.start()
        return _Boxes(boxes)


class _Box(Thread):
    """One box in one session; it goes away by itself when the notice's time is over."""

    def __init__(self, session: int, notice: Notice, style: int, *, waits: bool) -> None:
        super().__init__(name="message box", daemon=True)
        self._session, self._notice, self._waits = session, notice, waits
        self._style = style if notice.minimised else style | _MB_SETFOREGROUND | _MB_TOPMOST
        self.pressed = 0

    def run(self) -> None:
        response = ctypes.c_uint32(0)
        title, text = self._notice.title, self._notice.text
        if self._waits:
            text += f"\n\nYes: now. No: later ({self._notice.defers_for}, {self._notice.deferrals} left)."
        # Sizes are bytes of UTF-16, without the closing zero.
        sizes = [len(word.encode("utf-16-le")) for word in (title, text)]
        done = _wtsapi().WTSSendMessageW(
            None,
            ctypes.c_uint32(self._session),
            *(ctypes.c_wchar_p(title), ctypes.c_uint32(sizes[0])),
            *(ctypes.c_wchar_p(text), ctypes.c_uint32(sizes[1])),
            ctypes.c_uint32(self._style),
            ctypes.c_uint32(self._notice.seconds),
            ctypes.byref(response),
            ctypes.c_bool(self._waits),
        )
        if not done:
            log.warning("no message box in session %s", self._session)
        self.pressed = response.value


class _Boxes(Dialog):
    def __init__(self, boxes: list[_Box]) -> None:
        self._boxes = boxes

    def answer(self) -> str | None:
        pressed = {box.pressed for box in self._boxes}
        return "now" if _YES in pressed else "defer" if _NO in pressed else None

    def close(self) -> None:
        """A box in another session cannot be closed from here; its own time ends it."""


class _SessionInfo(ctypes.Structure):
    _fields_ = [("session_id", ctypes.c_uint32), ("station", ctypes.c_wchar_p), ("state", ctypes.c_int)]


def _active_sessions() -> list[int]:
    """Sessions with a person at them; 0 is that of the services."""
    rows, count = ctypes.POINTER(_SessionInfo)(), ctypes.c_uint32(0)
    if not _wtsapi().WTSEnumerateSessionsW(None, 0, 1, ctypes.byref(rows), ctypes.byref(count)):
        return []
    try:
        found = [rows[number] for number in range(count.value)]
        return [row.session_id for row in found if row.state == _ACTIVE and row.session_id != 0]
    finally:
        _wtsapi().WTSFreeMemory(rows)


def _wtsapi() -> Any:
    # Only Windows' ctypes has it.
    return getattr(ctypes, "windll").wtsapi32  # noqa: B009
