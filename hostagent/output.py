"""What a child prints, bounded: the head, where the cause often is, and the tail, where the error is."""

from pathlib import Path
from threading import Lock

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
        self._total = 0
        # One thread feeds while another one looks.
        self._lock = Lock()

    def feed(self, data: bytes) -> None:
        """Add bytes; memory stays bounded."""
        with self._lock:
            room = _HALF - len(self._head)
            self._total += len(data)
            self._head += data[:room]
            self._tail += data[room:] if room > 0 else data
            if len(self._tail) > _HALF:
                del self._tail[:-_HALF]
                self._cut = True

    def since(self, offset: int, most: int) -> tuple[int, bytes]:
        """At most so many bytes from `offset` on, and where they begin: later than that where those are gone by now.

        Of what was printed last, bytes that may be half a character wait for their other half.
        """
        with self._lock:
            if offset < len(self._head):
                data = bytes(self._head[offset : offset + most])
                last = offset + len(data) == self._total
            else:
                start = max(offset, self._total - min(len(self._tail), most))
                offset, data = start, bytes(self._tail[len(self._tail) - (self._total - start) :][:most])
                last = True
        return offset, _whole_characters(data) if last or len(data) == most else data

    def text(self) -> tuple[str, bool]:
        """The text, at most 64 KiB of UTF-8, without NUL, and whether something is missing."""
        if not self._cut:
            return _clean(bytes(self._head + self._tail))
        head, tail = _decode(bytes(self._head)), _decode(bytes(self._tail))
        return _shorten(head, tail), True


def _whole_characters(data: bytes) -> bytes:
    """Without the beginning of a character at the end, unless there is nothing else."""
    for length in range(1, min(4, len(data))):
        byte = data[-length]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-length] if length < needed else data
    return data


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


def joined(head: str, tail: str) -> tuple[str, bool]:
    """The beginning and the end of something of which the middle is gone."""
    return _shorten(head, tail), True


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
