"""How custom patch URLs look on the wire, and what is sent of them."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from core.addresses import public_https_base
from core.instants import milliseconds
from core.paging import ListParameters
from core.shapes import NotSet, Shape, Text
from inventory.models import CustomPatchUrl


class CustomPatchUrlParameters(ListParameters):
    """Which custom patch URLs to list."""


class CustomPatchUrlBody(Shape):
    """A base URL that machines download patches from."""

    ignored_keys: ClassVar = frozenset({"id", "createdBy"})

    url: Annotated[
        Text,
        AfterValidator(public_https_base),
        Field(
            max_length=2_000,
            description="`https` on a public host, without a user, a query and a fragment: machines put the paths of "
            "files behind it.",
            examples=["https://patches.example.com/base"],
            json_schema_extra={"pattern": "^https://"},
        ),
    ]
    name: Annotated[Text | None, NotSet, Field(max_length=200, description="What people call it.")] = None


def custom_patch_url_row(one: CustomPatchUrl) -> dict[str, Any]:
    """A row of `GET /v1/custompatchurls`."""
    user = one.created_by
    return {
        "id": one.number,
        "name": one.name or None,
        "url": one.url,
        "createdBy": {
            "user": {"id": str(user.public_id), "name": user.username, "fullName": user.full_name},
            "date": milliseconds(one.created_at),
        },
    }
