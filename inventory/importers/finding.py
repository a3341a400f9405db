"""Which of the files that somebody names are documents, and of which format."""

from collections.abc import Iterator
from dataclasses import dataclass

from inventory.importers.sources import MAX_DOCUMENT, Source, Unreadable, named, plain_name

_SNIFFED = 65_536


@dataclass(frozen=True, slots=True)
class Found:
    """A document, or why something that somebody named is none."""

    source: Source | None
    name: str
    format: str = ""
    problem: str = ""


def find(texts: list[str], wanted: str | None = None) -> Iterator[Found]:
    """The documents that these paths and addresses mean.

    In directories, files that are no documents are passed over, as are those of other formats than `wanted`; one that
    was named itself and is none is told.
    """
    for text in texts:
        try:
            sources = list(named(text))
        except Unreadable as failed:
            yield Found(None, text, problem=str(failed))
            continue
        alone = len(sources) == 1 and sources[0].name == text
        found = [one for one in (_found(source, wanted, alone) for source in sources) if one]
        yield from found or [Found(None, text, problem="holds no document of a known format")]


def _found(source: Source, wanted: str | None, alone: bool) -> Found | None:
    kind = _by_name(source)
    if kind is None and alone and wanted:
        kind = wanted
    if kind == "json":
        kind = wanted if wanted in {"csaf", "osv"} else _by_content(source)
    if kind is None or (wanted and kind != wanted):
        return None
    return Found(source, source.name, kind)


def _by_name(source: Source) -> str | None:
    name = plain_name(source)
    if name == "repomd.xml":
        return "dnf"
    if name == "Packages" or name.endswith("_Packages"):
        return "apt"
    return "json" if name.endswith(".json") else None


def _by_content(source: Source) -> str:
    """By the words that the beginning of every CSAF document has; what cannot be opened is told when it is read."""
    try:
        with source.open(MAX_DOCUMENT) as stream:
            return "csaf" if b'"csaf_version"' in stream.read(_SNIFFED) else "osv"
    except Unreadable:
        return "csaf"
