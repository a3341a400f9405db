"""The pages that are measured, and the keys by which they are read."""

from collections.abc import Mapping
from typing import TypeAlias

from core.customer_context import acting_for
from core.paging.cursors import cursor, fingerprint
from core.paging.keys import keys_of
from deployments.models import Job

FULL, SUMMARIES = "deploymentjobs", "deploymentjobs/summary"
SIZES: Mapping[str, int] = {FULL: 25, SUMMARIES: 100}
# The first page has no key and counts all rows; the others come by key.
PLACES = ("first", "second", "middle", "last")

# Which list, and which of its pages.
Page: TypeAlias = tuple[str, str]


def keys(*, customer_id: int, jobs: int) -> dict[Page, str]:
    """What the service answers as `searchAfter` of the page before each of these; none for the first."""
    with acting_for(customer_id):
        listed = Job.objects.for_customer(customer_id).live()
        order, name = keys_of(listed, ["-created_at"]), fingerprint(listed)
        found = {(path, "first"): "" for path in SIZES}
        for path, size in SIZES.items():
            for place, before in (("second", size), ("middle", jobs // 2), ("last", jobs - size)):
                row = listed.order_by("-created_at", "-pk")[before - 1]
                found[path, place] = cursor(order, row, total=jobs, listed=name)
    return found
