"""The content of a report as a gzip stream in pieces: made by the worker, undone by the web, never whole in memory."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

from reports.models import ReportChunk

_GZIP = zlib.MAX_WBITS | 16
# A small piece of gzip may be very much text.
_PIECE = 64 * 1024


class Deflating:
    """Takes bytes, and gives pieces of a gzip stream of at most `ReportChunk.LARGEST`."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=_GZIP)
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self.size = 0
        self.stored_size = 0

    @property
    def sha256(self) -> str:
        """Of all that was taken."""
        return self._digest.hexdigest()

    def take(self, content: bytes) -> Iterator[bytes]:
        """The pieces that became full by it."""
        self.size += len(content)
        self._digest.update(content)
        self._waiting += self._deflate.compress(content)
        while len(self._waiting) >= ReportChunk.LARGEST:
            yield self._cut()

    def finish(self) -> Iterator[bytes]:
        """What is left."""
        self._waiting += self._deflate.flush()
        while self._waiting:
            yield self._cut()

    def _cut(self) -> bytes:
        piece = bytes(self._waiting[: ReportChunk.LARGEST])
        del self._waiting[: ReportChunk.LARGEST]
        self.stored_size += len(piece)
        return piece


def inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes that were taken, from the pieces that were given, a little at a time."""
    inflate = zlib.decompressobj(wbits=_GZIP)
    for piece in pieces:
        waiting = piece
        while waiting:
            content = inflate.decompress(waiting, _PIECE)
            waiting = inflate.unconsumed_tail
            if content:
                yield content
    rest = inflate.flush()
    if rest:
        yield rest
