"""A person in a folder, for rehearsals: `answers` has one answer a line, `shown.jsonl` gets what was shown.

An answer is `now`, `defer` or `silence`: the question stands until its time is over, as it does past the last line.
While there is a file `away`, nobody is signed in. What was answered is noted in `shown.jsonl`, so that an agent that
begins anew goes on with the next answer.
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

    def is_anybody(self) -> bool:
        return not (self._folder / "away").exists()

    def can_answer(self) -> bool:
        return self.is_anybody()

    def show(self, notice: Notice) -> bool:
        if self.is_anybody():
            self.note({"event": "shown", **asdict(notice)})
        return self.is_anybody()

    def ask(self, notice: Notice) -> Dialog:
        self.note({"event": "asked", **asdict(notice)})
        return _Line(self, self._next())

    def note(self, what: dict[str, Any]) -> None:
        """Add a line to what was shown."""
        with self._shown.open("a") as shown:
            shown.write(json.dumps(what) + "\n")

    @property
    def _shown(self) -> Path:
        return self._folder / "shown.jsonl"

    def _next(self) -> str:
        used = sum(json.loads(line)["event"] == "answered" for line in _lines(self._shown))
        answers = _lines(self._folder / "answers")
        return answers[used] if used < len(answers) else "silence"


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
