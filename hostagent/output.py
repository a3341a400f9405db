"""What a child prints, bounded: the head, where the cause often is, and the tail, where the error is."""

from pathlib import Path

LIMIT = 64 * 1024
CUT = "\n[… cut …]\n"
# The text may hold three bytes for each undecodable one, so the kept bytes are counted again after decoding.
_HALF = (LIMIT - len(CUT.encode())) // 2


class Bounded:
    """Takes any number of bytes and keeps the first and the last 32 KiB."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> None:
        """Add bytes; memory stays bounded."""
        room = _HALF - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > _HALF:
            del self._tail[:-_HALF]
            self._cut = True

    def text(self) -> tuple[str, bool]:
        """The text, at most 64 KiB of UTF-8, without NUL, and whether something is missing."""
        if not self._cut:
            return _clean(bytes(self._head + self._tail))
        head, tail = _decode(bytes(self._head)), _decode(bytes(self._tail))
        return _shorten(head, tail), True


def of_file(path: Path) -> tuple[str, bool]:
    """The same of a file; an empty text when there is none."""
    kept = Bounded()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                kept.feed(block)
    except FileNotFoundError:
        pass
    return kept.text()


def of_text(text: str) -> tuple[str, bool]:
    """The same of a text that we hold already."""
    kept = Bounded()
    kept.feed(text.encode("utf-8", "replace"))
    return kept.text()


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "")


def _clean(data: bytes) -> tuple[str, bool]:
    text = _decode(data)
    if len(text.encode()) <= LIMIT:
        return text, False
    middle = len(text) // 2
    return _shorten(text[:middle], text[middle:]), True


def _shorten(head: str, tail: str) -> str:
    first = head.encode()[:_HALF].decode("utf-8", "ignore")
    last = tail.encode()[-_HALF:].decode("utf-8", "ignore")
    return first + CUT + last
