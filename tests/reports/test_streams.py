"""A report's content in pieces."""

import gzip
import hashlib
import random

from reports.models import ReportChunk
from reports.streams import Deflating, inflated


def _packed(*contents: bytes) -> tuple[Deflating, list[bytes]]:
    stream = Deflating()
    pieces = [piece for content in contents for piece in stream.take(content)]
    return stream, [*pieces, *stream.finish()]


def test_deflating__more_than_a_piece__is_one_gzip_stream_in_pieces_that_fit() -> None:
    content = random.Random(7).randbytes(3_500_000)

    stream, pieces = _packed(content[:1_000], content[1_000:])

    assert [len(piece) for piece in pieces[:-1]] == [ReportChunk.LARGEST] * (len(pieces) - 1)
    assert len(pieces) == 4
    assert gzip.decompress(b"".join(pieces)) == content
    assert (stream.size, stream.stored_size) == (len(content), sum(len(piece) for piece in pieces))
    assert stream.sha256 == hashlib.sha256(content).hexdigest()


def test_inflated__a_piece_that_holds_very_much__comes_a_little_at_a_time() -> None:
    content = b"x" * 50_000_000
    _, pieces = _packed(content)

    found = list(inflated(pieces))

    assert len(pieces) == 1
    assert max(len(one) for one in found) <= 64 * 1024
    assert hashlib.sha256(b"".join(found)).digest() == hashlib.sha256(content).digest()


def test_inflated__nothing__is_nothing() -> None:
    _, pieces = _packed()

    assert b"".join(inflated(pieces)) == b""
