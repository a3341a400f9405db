"""A person in a folder, for rehearsals: `answers` has one answer a line, `shown.jsonl` gets what was shown.

An answer is `now`, `defer`, `silence` (the question stands until its time is over) or `nobody` (is not signed in for
this one question). Past the last line nobody is signed in. What was answered counts in `shown.jsonl`, so that a
restarted agent goes on with the next line.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hostagent.person.base import Dialog, Notice, Prompter


class Scripted(Prompter):
    """Reads and writes in `folder`, which must exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def can_answer(self) -> bool:
        if self._next() == "nobody":
            self.note({"event": "answered", "answer": "nobody"})
            return False
        return self._next() is not None

    def show(self, notice: Notice) -> bool:
        self.note({"event": "shown", **asdict(notice)})
        return True

    def ask(self, notice: Notice) -> Dialog:
        self.note({"event": "asked", **asdict(notice)})
        return _Line(self, self._next() or "silence")

    def note(self, what: dict[str, Any]) -> None:
        """Add a line to what was shown."""
        with self._shown.open("a") as shown:
            shown.write(json.dumps(what) + "\n")

    @property
    def _shown(self) -> Path:
        return self._folder / "shown.jsonl"

    def _next(self) -> str | None:
        used = sum(json.loads(line)["event"] == "answered" for line in _lines(self._shown))
        answers = _lines(self._folder / "answers")
        return answers[used] if used < len(answers) else None


class _Line(Dialog):
    def __init__(self, person: Scripted, line: str) -> None:
        self._person, self._line, self._open = person, line, True

    def answer(self) -> str | None:
        if self._line == "silence":
            return None
        if self._open:
            self._open = False
            self._person.note({"event": "answered", "answer": self._line})
        return self._line

    def close(self) -> None:
        if self._open:
            self._open = False
            self._person.note({"event": "closed"})


def _lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []
