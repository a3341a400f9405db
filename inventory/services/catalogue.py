"""What importers have read becomes the customer's catalogue, many entries by a handful of statements."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import Q

from inventory.entries import Gathered, PatchEntry
from inventory.models import Patch
from inventory.models.choices import PATCH_TYPES
from inventory.services import closings
from inventory.services.carrying import run
from inventory.services.superseding import tell_superseding
from inventory.services.vulnerabilities import store_vulnerabilities
from inventory.versions import version_key

_COLUMNS = [
    column.name
    for column in Patch._meta.concrete_fields
    if not column.generated and column.name not in {"id", "public_id", "customer", "created_at"}
]

# Package manager, package, version, architecture.
Place: TypeAlias = tuple[str, str, str, str]


class Outcome(enum.StrEnum):
    """What became of an entry."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(slots=True)
class Stored:
    """One entry's outcome: its patch, or why there is none; and the ids it named that nobody knows."""

    outcome: Outcome
    patch: Patch | None = None
    problem: str = ""
    unknown: Sequence[str] = ()


def store_catalogue(*, customer_id: int, gathered: Gathered, at: datetime) -> list[Stored]:
    """Insert or update patches and vulnerabilities, with what they supersede and close.

    Returns an outcome for each patch, in order; one that cannot be stored leaves the others alone. The number of
    statements does not depend on how many there are.
    """
    _lock(customer_id)
    vulnerabilities = store_vulnerabilities(customer_id=customer_id, entries=gathered.vulnerabilities, at=at)
    batch = _Batch(customer_id, gathered.patches, at)
    stored = batch.store()
    good = [(one.patch, entry) for one, entry in zip(stored, gathered.patches, strict=True) if one.patch]
    unknown = tell_superseding(customer_id=customer_id, told=good)
    for one in stored:
        one.unknown = unknown.get(one.patch.pk, ()) if one.patch else ()
    closings.tell_closings(
        customer_id=customer_id, told=[(patch, entry.closes) for patch, entry in good if entry.closes is not None]
    )
    changed = [one.patch.pk for one in stored if one.patch and one.outcome is not Outcome.UNCHANGED]
    closings.relink_patches(customer_id=customer_id, patch_ids=changed)
    closings.relink_vulnerabilities(customer_id=customer_id, vulnerability_ids=vulnerabilities)
    closings.detect(
        customer_id=customer_id, patch_ids=[patch.pk for patch, _ in good], vulnerability_ids=vulnerabilities, at=at
    )
    return stored


def _lock(customer_id: int) -> None:
    """Until the transaction ends, the only importer of the customer: two would wait for each other's rows crosswise."""
    run("SELECT pg_advisory_xact_lock(hashtextextended('catalogue', %s))", [customer_id])


@dataclass
class _Batch:
    """Entries on their way into rows."""

    customer_id: int
    entries: Sequence[PatchEntry]
    at: datetime
    stored: dict[int, Stored] = field(default_factory=dict)
    inserted: set[UUID] = field(default_factory=set)

    def store(self) -> list[Stored]:
        """An outcome for each entry, in order."""
        self._refuse_repeated()
        self._insert(_Known.of(self.customer_id, self._left()))
        # Read again: a scan may have been faster with one of them, and then it is there without what is told here.
        self._update(_Known.of(self.customer_id, self._left()))
        return [self.stored[index] for index in range(len(self.entries))]

    def _left(self) -> dict[int, PatchEntry]:
        return {index: entry for index, entry in enumerate(self.entries) if index not in self.stored}

    def _refuse(self, index: int, problem: str) -> None:
        self.stored[index] = Stored(Outcome.FAILED, problem=problem)

    def _refuse_repeated(self) -> None:
        seen: set[object] = set()
        for index, entry in enumerate(self.entries):
            keys = {_place(entry), (entry.platform, entry.package_manager, entry.vendor_id) if entry.vendor_id else ()}
            keys.discard(())
            if keys & seen:
                self._refuse(index, "the same patch came before in this import")
            seen |= keys

    def _insert(self, known: "_Known") -> None:
        new = {index: self._new(entry) for index, entry in self._left().items() if not known.row(entry)}
        Patch.objects.bulk_create(new.values(), ignore_conflicts=True)
        self.inserted = {patch.public_id for patch in new.values()}

    def _update(self, known: "_Known") -> None:
        changed = []
        for index, entry in self._left().items():
            row = known.row(entry)
            if row is None or known.at_place(entry) not in (None, row):
                self._refuse(index, "another patch has this package, version and architecture")
            elif row.public_id in self.inserted:
                self.stored[index] = Stored(Outcome.CREATED, row)
            else:
                outcome = Outcome.UPDATED if _fill(row, entry, self.at) else Outcome.UNCHANGED
                self.stored[index] = Stored(outcome, row)
                changed += [row] if outcome is Outcome.UPDATED else []
        Patch.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=_COLUMNS)
        seen = [one.patch.pk for one in self.stored.values() if one.patch]
        Patch.objects.for_customer(self.customer_id).filter(pk__in=seen).update(synced_at=self.at)

    def _new(self, entry: PatchEntry) -> Patch:
        row = Patch(
            customer_id=self.customer_id,
            platform=entry.platform,
            package_manager=entry.package_manager,
            title=f"{entry.package} {entry.version}".strip(),
            type=PATCH_TYPES[entry.platform],
            created_at=self.at,
        )
        _fill(row, entry, self.at)
        return row


@dataclass(frozen=True)
class _Known:
    """The rows that entries may be about, locked."""

    by_vendor: Mapping[tuple[str, str, str], Patch]
    by_place: Mapping[Place, Patch]

    @classmethod
    def of(cls, customer_id: int, entries: Mapping[int, PatchEntry]) -> "_Known":
        """By two indexes, one for each way of finding them."""
        each = entries.values()
        wanted = Q(vendor_id__in={entry.vendor_id for entry in each if entry.vendor_id}) | Q(
            package_manager__in={entry.package_manager for entry in each},
            package__in={entry.package for entry in each},
            version__in={entry.version for entry in each},
        )
        found = Patch.objects.for_customer(customer_id).filter(wanted).order_by("pk")
        rows = list(found.select_for_update(no_key=True))
        return cls(
            {(row.platform, row.package_manager, row.vendor_id): row for row in rows if row.vendor_id},
            {_place(row): row for row in rows},
        )

    def row(self, entry: PatchEntry) -> Patch | None:
        """By the vendor's id, or the one at its place of which no vendor's id is known yet."""
        if entry.vendor_id:
            named = self.by_vendor.get((entry.platform, entry.package_manager, entry.vendor_id))
            nameless = self.at_place(entry)
            return named or (nameless if nameless and nameless.vendor_id is None else None)
        return self.at_place(entry)

    def at_place(self, entry: PatchEntry) -> Patch | None:
        """The row of this very package, version and architecture."""
        return self.by_place.get(_place(entry))


def _place(one: PatchEntry | Patch) -> Place:
    return (one.package_manager, one.package, one.version, one.architecture)


def _fill(row: Patch, entry: PatchEntry, at: datetime) -> bool:
    """Write what is told into the row; whether anything is new."""
    told: dict[str, Any] = {
        **entry.told,
        **{column: _united(getattr(row, column), more) for column, more in entry.added.items()},
        "package": entry.package,
        "version": entry.version,
        "architecture": entry.architecture,
        "version_key": version_key(entry.package_manager, entry.version),
    }
    if entry.vendor_id:
        told["vendor_id"] = entry.vendor_id
    new = {column: value for column, value in told.items() if value != _bare(getattr(row, column))}
    for column, value in new.items():
        setattr(row, column, value)
    if new:
        row.modified_at, row.synced_at = entry.told.get("modified_at") or at, at
    return bool(new)


def _bare(value: Any) -> Any:
    """As it was told: the database's driver gives bytes as a view of them."""
    return bytes(value) if isinstance(value, memoryview) else value


def _united(there: Iterable[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*there, *more]))
