"""What all views of the inventory share: finding things among the caller's own."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.views import APIView

from core.errors import InvalidInput, Problem
from core.paging import PageParameters
from inventory.models import Asset, Patch, Tag, Vulnerability
from tenants.models import User

R = TypeVar("R", Asset, Tag)
P = TypeVar("P", bound=PageParameters)


class InventoryView(APIView):
    """Base of them."""

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    @property
    def customer_id(self) -> int:
        """Of the caller."""
        return self.user.customer_id

    def assets(self) -> QuerySet[Asset]:
        """The caller's assets."""
        return Asset.objects.for_customer(self.customer_id)

    def tags(self) -> QuerySet[Tag]:
        """The caller's tags."""
        return Tag.objects.for_customer(self.customer_id).select_related("parent")

    def patches(self) -> QuerySet[Patch]:
        """The caller's patches."""
        return Patch.objects.for_customer(self.customer_id)

    def vulnerabilities(self) -> QuerySet[Vulnerability]:
        """The vulnerabilities that the caller's catalogue knows."""
        return Vulnerability.objects.for_customer(self.customer_id)


def on_one_page(wanted: P, number: int) -> P:
    """The parameters of a list of which the caller named so many rows: all on a page, unless they said its size."""
    if "page_size" in wanted.model_fields_set:
        return wanted
    return wanted.model_copy(update={"page_size": max(number, wanted.page_size)})


def require_all(rows: QuerySet[R], ids: Sequence[UUID], *, field: str) -> list[R]:
    """The rows with these ids, in their order. Raises InvalidInput with a problem for each that is nobody's here."""
    found: Mapping[Any, R] = {row.public_id: row for row in rows.filter(public_id__in=ids)}
    unknown = [
        Problem(f"{field}[{index}]", "unknown_id", f"no such id: {one}")
        for index, one in enumerate(ids)
        if one not in found
    ]
    if unknown:
        raise InvalidInput(problems=unknown)
    return [found[one] for one in ids]
