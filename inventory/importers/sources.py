"""Where documents are: files, members of a ZIP archive, and addresses; all bounded, and unpacked on the way."""

import bz2
import gzip
import io
import lzma
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast
from urllib.parse import urljoin, urlsplit

import zstandard

MAX_DOCUMENT = 64 * 1024 * 1024
MAX_REPOSITORY = 4 * 1024 * 1024 * 1024
MAX_DOWNLOAD = 512 * 1024 * 1024
TIMEOUT = 60.0
_PACKED = (".gz", ".xz", ".bz2", ".zst")


class Unreadable(Exception):
    """A source that cannot be read; the text says why."""


class Source(Protocol):
    """Something that can be read."""

    @property
    def name(self) -> str:
        """What people find it by."""

    def open(self, limit: int = MAX_REPOSITORY) -> IO[bytes]:
        """Its bytes, unpacked; reading more than `limit` of them raises Unreadable."""

    def beside(self, relative: str) -> "Source | None":
        """What lies at a path relative to it; None where there is nothing, or where it must not be looked at."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file."""

    path: Path
    # What is beside it is looked for no further up than here.
    root: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def open(self, limit: int = MAX_REPOSITORY) -> IO[bytes]:
        """See Source."""
        try:
            return _unpacked(self.path.open("rb"), self.path.name, limit)
        except OSError as failed:
            raise Unreadable(str(failed)) from failed

    def beside(self, relative: str) -> "FileSource | None":
        """See Source."""
        path = (self.path.parent / relative).resolve()
        if not path.is_relative_to(self.root.resolve()) or not path.is_file():
            return None
        return FileSource(path, self.root)


@dataclass(frozen=True, slots=True)
class MemberSource:
    """A member of a ZIP archive, as OSV publishes an ecosystem."""

    archive: Path
    member: str

    @property
    def name(self) -> str:
        """Archive and member."""
        return f"{self.archive}!{self.member}"

    def open(self, limit: int = MAX_REPOSITORY) -> IO[bytes]:
        """See Source."""
        try:
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.member) as member:
                return io.BytesIO(_Limited(member, limit).read())
        except (OSError, zipfile.BadZipFile, KeyError) as failed:
            raise Unreadable(str(failed)) from failed

    def beside(self, relative: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An address, fetched when it is opened."""

    url: str

    @property
    def name(self) -> str:
        """The address."""
        return self.url

    def open(self, limit: int = MAX_REPOSITORY) -> IO[bytes]:
        """See Source."""
        try:
            # HTTPS alone: `named` has seen to it, and the opener follows to nothing else.
            with _OPENER.open(self.url, timeout=TIMEOUT) as answer:
                fetched = io.BytesIO(_Limited(answer, MAX_DOWNLOAD).read())
        except OSError as failed:
            raise Unreadable(f"cannot be fetched: {failed}") from failed
        return _unpacked(fetched, PurePosixPath(urlsplit(self.url).path).name, limit)

    def beside(self, relative: str) -> "UrlSource | None":
        """See Source; whether anything is there is known when it is opened."""
        url = urljoin(self.url, relative)
        return UrlSource(url) if urlsplit(url)[:2] == urlsplit(self.url)[:2] else None


class _HttpsAlone(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the library's own
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if urlsplit(newurl).scheme != "https":
            raise OSError(f"leads to {newurl}, which is no https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.ProxyHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    _HttpsAlone,
):
    _OPENER.add_handler(_handler())


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than so many bytes: a small archive may hold very many."""

    def __init__(self, inner: Any, limit: int, under: IO[bytes] | None = None) -> None:
        self._inner, self._left, self._limit = inner, limit, limit
        # What unpacks a stream does not close it.
        self._under = under

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._inner.read(len(buffer))
        except (EOFError, OSError, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile) as broken:
            raise Unreadable(f"is damaged: {broken}") from broken
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"is larger than {self._limit} bytes")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        if self._under is not None:
            self._under.close()
        super().close()


def _unpacked(stream: IO[bytes], name: str, limit: int) -> IO[bytes]:
    suffix = PurePosixPath(name).suffix
    inner: Any = stream
    if suffix == ".gz":
        inner = gzip.GzipFile(fileobj=stream)
    elif suffix == ".xz":
        inner = lzma.LZMAFile(stream)  # noqa: SIM115 - closed with what is made of it
    elif suffix == ".bz2":
        inner = bz2.BZ2File(stream)
    elif suffix == ".zst":
        inner = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    return cast("IO[bytes]", io.BufferedReader(_Limited(inner, limit, under=stream)))


def plain_name(source: Source) -> str:
    """The last part of its name, without what says how it is packed."""
    name = PurePosixPath(urlsplit(source.name).path if isinstance(source, UrlSource) else source.name).name
    return name.removesuffix(PurePosixPath(name).suffix) if name.endswith(_PACKED) else name


def named(text: str) -> Iterator[Source]:
    """What a path or an address of the command line means, in the order of their names. Raises Unreadable."""
    if "://" in text:
        if urlsplit(text).scheme != "https":
            raise Unreadable("only https addresses are fetched")
        yield UrlSource(text)
        return
    path = Path(text)
    if path.is_dir():
        yield from (source for file in sorted(path.rglob("*")) if file.is_file() for source in _of_file(file, path))
    elif path.is_file():
        yield from _of_file(path, path.resolve().parents[min(2, len(path.resolve().parents) - 1)])
    else:
        raise Unreadable("there is no such file or directory")


def _of_file(path: Path, root: Path) -> Iterator[Source]:
    if path.suffix != ".zip":
        yield FileSource(path, root)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(name for name in archive.namelist() if name.endswith(".json"))
    except (OSError, zipfile.BadZipFile) as failed:
        raise Unreadable(str(failed)) from failed
    yield from (MemberSource(path, member) for member in members)
