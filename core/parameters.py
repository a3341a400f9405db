"""Query strings, declared as shapes as bodies are: lenient in type, and an unknown parameter is refused."""

from collections.abc import Sequence
from typing import TypeVar

from django.http import HttpRequest
from rest_framework.request import Request

from core.shapes import Rule, Shape, parse

S = TypeVar("S", bound=Shape)


def parameters(request: Request | HttpRequest, shape: type[S], *, rules: Sequence[Rule] = ()) -> S:
    """The query string as `shape`. Raises InvalidInput with every problem.

    A parameter that is repeated is a list where the field takes one (`ids=a&ids=b`); elsewhere the repetitions must
    agree.
    """
    return parse(shape, request.GET, rules=rules, noun="parameter")
