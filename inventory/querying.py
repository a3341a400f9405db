"""Queries of people as conditions on the patches that jobs deal with."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from core.query import compile_query
from inventory.models import Vulnerability
from inventory.tokens import PATCH_TOKENS, VULNERABILITY_TOKENS

# What somebody switched off, or its vendor withdrew, is not to be found for a job.
DEPLOYABLE = Q(enabled=True, deleted=False)


def patch_condition(text: str | None, *, now: datetime, field: str) -> Q:
    """The patches, of those that may be deployed, that a query means; all of them where there is none.

    Raises InvalidInput at `field`.
    """
    return DEPLOYABLE & (compile_query(text, PATCH_TOKENS, now=now, field=field) if text else Q())


def closing_condition(text: str | None, *, now: datetime, field: str) -> Q:
    """The patches, of those that may be deployed, that close a vulnerability which a query means, or any.

    Raises InvalidInput at `field`.
    """
    condition = compile_query(text, VULNERABILITY_TOKENS, now=now, field=field) if text else Q()
    # Inside, the customer is named again: the indexes start with it.
    closed = Vulnerability.objects.filter(
        customer_id=OuterRef("customer_id"),
        closing_links__customer_id=OuterRef("customer_id"),
        closing_links__patch=OuterRef("pk"),
    )
    return DEPLOYABLE & Q(Exists(closed.filter(condition)))
