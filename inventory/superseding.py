"""Which patches stand in another's place: those of which its vendor says so, and newer versions of its package.

A newer version counts where it is for every system that the older one is for: a machine of a release that got no newer
one must not lose the older one. Versions of which nobody knows a system stand only in each other's place.

The querysets here are of the other patches, correlated by OuterRef with the patch that is asked about. By word and by
version are two questions everywhere, for each has an index of its own.
"""

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from inventory.models import Patch

_others = Patch.objects.filter(customer_id=OuterRef("customer_id"), deleted=False)
_versions = _others.filter(
    package_manager=OuterRef("package_manager"), package=OuterRef("package"), architecture=OuterRef("architecture")
).alias(its_systems=ExpressionWrapper(OuterRef("supported_os"), output_field=ArrayField(CharField(max_length=255))))


def newer_by_word() -> QuerySet[Patch]:
    """Those whose vendor says that they stand in this one's place."""
    return _others.filter(supersedes_links__customer_id=OuterRef("customer_id"), supersedes_links__older=OuterRef("pk"))


def older_by_word() -> QuerySet[Patch]:
    """Those in whose place this one stands, by its vendor's word."""
    return _others.filter(superseded_links__customer_id=OuterRef("customer_id"), superseded_links__newer=OuterRef("pk"))


def newer_by_version() -> QuerySet[Patch]:
    """Newer versions of this one's package, for all of its systems."""
    systems = Q(supported_os__contains=F("its_systems")) & (~Q(its_systems=[]) | Q(supported_os=[]))
    return _versions.filter(systems, version_key__gt=OuterRef("version_key"))


def older_by_version() -> QuerySet[Patch]:
    """Older versions of this one's package, for no other systems."""
    systems = Q(supported_os__contained_by=F("its_systems")) & (Q(its_systems=[]) | ~Q(supported_os=[]))
    return _versions.filter(systems, version_key__lt=OuterRef("version_key"))


def superseded_by(condition: Q) -> Q:
    """The patches in whose place one stands that `condition` means."""
    return Q(Exists(newer_by_word().filter(condition))) | Q(Exists(newer_by_version().filter(condition)))


def superseding(condition: Q) -> Q:
    """The patches that stand in the place of one that `condition` means."""
    return Q(Exists(older_by_word().filter(condition))) | Q(Exists(older_by_version().filter(condition)))


def is_superseded() -> Q:
    """The patches in whose place any other one stands."""
    return superseded_by(Q())
