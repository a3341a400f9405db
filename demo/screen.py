"""What the demo shows: phases with their times, a progress bar, a table."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_BAR = 40


class Screen:
    """Prints, and remembers how long each phase took."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []
        self._live = sys.stdout.isatty()
        self._last = ""

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Say what begins, and how long it took."""
        self.say(f"\n▸ {title}")
        begun = time.monotonic()
        yield
        seconds = time.monotonic() - begun
        self.times.append((title, seconds))
        self.say(f"  {seconds:.1f} s")

    def say(self, text: str) -> None:
        """A line."""
        print(text, flush=True)

    def progress(self, ended: int, total: int, note: str) -> None:
        """A bar, redrawn in place on a terminal, and a line for each change elsewhere."""
        filled = _BAR * ended // max(total, 1)
        line = f"  [{'█' * filled}{'·' * (_BAR - filled)}] {ended}/{total}  {note}"
        if line == self._last:
            return
        self._last = line
        print(f"\r\033[K{line}" if self._live else line, end="" if self._live and ended < total else "\n", flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as what stands in them."""
        widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
        for row in [head, ["─" * width for width in widths], *rows]:
            self.say("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
