"""What patches supersede by their vendor's word. What versions say is asked, see inventory/superseding.py."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import Q

from inventory.entries import PatchEntry
from inventory.models import Patch, Supersedence


def tell_superseding(*, customer_id: int, told: Sequence[tuple[Patch, PatchEntry]]) -> Mapping[int, list[str]]:
    """Link patches to those they name, in place of what was told of them before.

    A patch is named by its vendor's id or by ours, also before it comes in the same import. Returns, by the patch that
    names them, the names that nobody has: catalogues speak of patches that are long gone.
    """
    ids = _ids(customer_id, {name for _, entry in told for name in _named(entry)})
    links, unknown = set(), {}
    for patch, entry in told:
        links |= {(patch.pk, ids[name]) for name in entry.supersedes or () if name in ids}
        links |= {(ids[name], patch.pk) for name in entry.superseded_by or () if name in ids}
        unknown[patch.pk] = [name for name in _named(entry) if ids.get(name, patch.pk) == patch.pk]
    _forget(customer_id, told)
    Supersedence.objects.bulk_create(
        (
            Supersedence(customer_id=customer_id, newer_id=newer, older_id=older)
            for newer, older in sorted(links)
            if newer != older
        ),
        ignore_conflicts=True,
    )
    return {patch_id: names for patch_id, names in unknown.items() if names}


def _named(entry: PatchEntry) -> list[str]:
    return [*(entry.supersedes or ()), *(entry.superseded_by or ())]


def _ids(customer_id: int, names: set[str]) -> dict[str, int]:
    """The keys of the patches that have these names."""
    ours = {name: UUID(name) for name in names if _is_uuid(name)}
    rows = Patch.objects.for_customer(customer_id).filter(Q(vendor_id__in=names) | Q(public_id__in=ours.values()))
    found: dict[str, int] = {}
    by_public_id: dict[UUID, int] = {}
    for vendor_id, public_id, pk in rows.order_by("pk").values_list("vendor_id", "public_id", "pk"):
        by_public_id[public_id] = pk
        if vendor_id in names:
            found[vendor_id] = pk
    return found | {name: by_public_id[one] for name, one in ours.items() if one in by_public_id}


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _forget(customer_id: int, told: Sequence[tuple[Patch, PatchEntry]]) -> None:
    newer = [patch.pk for patch, entry in told if entry.supersedes is not None]
    older = [patch.pk for patch, entry in told if entry.superseded_by is not None]
    if newer or older:
        Supersedence.objects.for_customer(customer_id).filter(Q(newer__in=newer) | Q(older__in=older)).delete()
