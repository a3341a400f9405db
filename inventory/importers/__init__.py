"""Readers of what distributions and vendors publish. Each makes entries of a source; none touches the database.

A reader is a function `read(source, system) → Iterator[Gathered]`: one Gathered for a document, several for a
repository, whose packages need not fit into memory. It raises Unreadable with a sentence. `system` is what the operator
says the packages are for, empty where nobody does.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from inventory.entries import Gathered
from inventory.importers import apt, csaf, dnf, osv
from inventory.importers.sources import Source

Reader: TypeAlias = Callable[[Source, str], Iterator[Gathered]]

READERS: Mapping[str, Reader] = {"apt": apt.read, "csaf": csaf.read, "dnf": dnf.read, "osv": osv.read}

__all__ = ["READERS", "Reader"]
