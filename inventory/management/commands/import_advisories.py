"""`manage.py import_advisories --customer NAME PATH_OR_URL…`: what vendors and distributions publish."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone

from core.customer_context import enter_through
from inventory import services
from inventory.entries import Gathered, united
from inventory.importers import READERS
from inventory.importers.finding import Found, find
from inventory.importers.sources import Unreadable
from inventory.systems import system_name

# What goes into one transaction: so many documents, or as soon as there are so many patches and vulnerabilities.
_DOCUMENTS_AT_ONCE = 200
_ENTRIES_AT_ONCE = 2_000

# A document's name, and what it tells, or a part of that.
_Told: TypeAlias = tuple[str, Gathered]


class Command(BaseCommand):
    """Running it again changes nothing; what is bad is told at the end, and what is good is stored."""

    help = (
        "Import advisories (CSAF 2.0, OSV) and repositories (apt: Packages, dnf: repomd.xml) into a customer's "
        "catalogue. Ends with 1 if anything could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose catalogue, and from where."""
        parser.add_argument("sources", nargs="+", metavar="PATH_OR_URL", help="files, directories, https addresses")
        parser.add_argument("--customer", required=True, metavar="NAME", help="whose catalogue")
        parser.add_argument("--format", choices=sorted(READERS), help="by default, each document's own")
        parser.add_argument(
            "--system", default="", metavar="NAME", help='what the packages are for, such as "Rocky Linux 9"'
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell how it went."""
        self.customer, self.system = options["customer"], system_name(options["system"])
        self.failures: list[tuple[str, str]] = []
        self.counts = dict.fromkeys(services.Outcome, 0)
        with transaction.atomic():
            self._enter()
        documents = list(find(options["sources"], options["format"]))
        for batch, done in self._batches(documents):
            self._store(batch)
            self.stdout.write(f"{done} of {len(documents)} documents: {self._counted()}")
        self._tell_failures()

    def _batches(self, documents: Sequence[Found]) -> Iterator[tuple[list[_Told], int]]:
        """What documents tell, in portions for one transaction each, and how many documents are read by then."""
        waiting: list[_Told] = []
        for number, document in enumerate(documents, start=1):
            for gathered in self._read(document):
                waiting.append((document.name, gathered))
                if len(waiting) >= _DOCUMENTS_AT_ONCE or sum(map(_size, waiting)) >= _ENTRIES_AT_ONCE:
                    yield waiting, number
                    waiting = []
        yield waiting, len(documents)

    def _read(self, document: Found) -> Iterator[Gathered]:
        """What it tells; a document that cannot be read, or no further, is noted."""
        if document.source is None:
            self.failures.append((document.name, document.problem))
            return
        try:
            yield from READERS[document.format](document.source, self.system)
        except Unreadable as failed:
            self.failures.append((document.name, str(failed)))

    def _store(self, batch: Sequence[_Told]) -> None:
        """All in one transaction; where the database refuses, each document in its own, to find out which is bad."""
        try:
            self._store_together(batch)
        except (DatabaseError, ValueError) as refused:
            # ValueError: the driver refuses NUL characters itself.
            if len(batch) == 1:
                self.failures.append((batch[0][0], str(refused).partition("\n")[0]))
                return
            for one in batch:
                self._store([one])

    def _store_together(self, batch: Sequence[_Told]) -> None:
        with transaction.atomic():
            stored = services.store_catalogue(
                customer_id=self._enter(), gathered=united(gathered for _, gathered in batch), at=timezone.now()
            )
        for one in stored:
            self.counts[one.outcome] += 1
            if one.outcome is services.Outcome.FAILED:
                self.failures.append((", ".join(sorted({name for name, _ in batch})[:3]), one.problem))

    def _enter(self) -> int:
        """Work for the customer until the transaction ends; its id."""
        customer_id = enter_through("tenants_customer_of_name", self.customer)
        if customer_id is None:
            raise CommandError(f"There is no customer named {self.customer!r}.")
        return customer_id

    def _counted(self) -> str:
        return ", ".join(f"{count} patches {outcome.value}" for outcome, count in self.counts.items())

    def _tell_failures(self) -> None:
        for name, problem in self.failures:
            self.stderr.write(f"{name}: {problem}")
        if self.failures:
            raise CommandError(f"{len(self.failures)} could not be imported; all else is stored.", returncode=1)


def _size(told: _Told) -> int:
    return len(told[1].patches) + len(told[1].vulnerabilities)
