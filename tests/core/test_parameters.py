"""Query strings."""

from typing import Annotated

import pytest
from pydantic import Field
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.errors import InvalidInput
from core.parameters import parameters
from core.shapes import Flag, Shape, Text, TextList, WholeNumber


class Wanted(Shape):
    """A few parameters."""

    name: Text | None = None
    size: Annotated[WholeNumber, Field(ge=1)] = 10
    owned_job: Flag | None = None
    attributes: TextList = Field(default_factory=list)


def _read(query: str) -> Wanted:
    return parameters(Request(APIRequestFactory().get(f"/x?{query}")), Wanted)


def test_parameters__texts__are_read_as_what_they_mean() -> None:
    wanted = _read("name=%C3%A4&size=5&ownedJob=true&attributes=id,name")

    assert wanted == Wanted(name="ä", size=5, owned_job=True, attributes=["id", "name"])


def test_parameters__none__are_the_defaults() -> None:
    assert _read("") == _read("size=&ownedJob=") == Wanted()


def test_parameters__unknown_and_wrong__are_all_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        _read("sise=5&size=x")

    assert [(one.field, one.code, one.error_code) for one in refused.value.problems] == [
        ("sise", "unknown_key", "1901"),
        ("size", "invalid", "1905"),
    ]
    assert refused.value.message == "sise: unknown parameter 'sise'; did you mean 'size'?"


def test_parameters__repeated__is_a_list_or_must_agree() -> None:
    assert _read("attributes=id&attributes=name&size=5&size=5").attributes == ["id", "name"]
    with pytest.raises(InvalidInput, match="2 times"):
        _read("size=5&size=6")


def test_parameters__nul__is_refused() -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        _read("name=a%00b")
