"""`Idempotency-Key` on POSTs that create: the same key and body give the first answer again.

The row is inserted before the work and in its transaction: a second request with the key waits at the unique constraint
until the first has committed, and then finds its answer; where the first failed, its row is gone and the second does
the work.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from rest_framework.request import Request
from rest_framework.response import Response

from core.customer_context import scheduling
from core.errors import Conflict, InvalidInput, Problem
from core.models import IdempotencyKey

HEADER = "Idempotency-Key"
_LONGEST = 255
_KEPT_HEADERS = ("Location", "ETag")


def idempotent(post: Callable[..., Response]) -> Callable[..., Response]:
    """Decorates a view's `post`. Raises Conflict where the key came with another body before."""

    @wraps(post)
    def answer_once(view: Any, request: Request, *arguments: Any, **named: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return post(view, request, *arguments, **named)
        row = _row(request, key)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            return _again(row)
        response = post(view, request, *arguments, **named)
        row.status, row.answer = response.status_code, json.dumps(response.data, default=str)
        row.headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
        row.save(update_fields=["status", "answer", "headers"])
        return response

    return answer_once


def forget_old() -> None:
    """Delete the answers that have been kept long enough, of all customers."""
    with scheduling():
        IdempotencyKey.objects.filter(created_at__lt=Now() - IdempotencyKey.KEPT).delete()


def _row(request: Request, key: str) -> IdempotencyKey:
    if not 1 <= len(key) <= _LONGEST:
        raise InvalidInput(problems=[Problem(HEADER, "invalid", f"must be 1 to {_LONGEST} characters long")])
    # core knows no users' table: whoever signed in has a customer.
    user: Any = request.user
    body = json.dumps([request.META["QUERY_STRING"], request.data], sort_keys=True, default=str)
    return IdempotencyKey(
        customer_id=user.customer_id,
        route=request.path,
        key=key,
        body_digest=hashlib.sha256(f"{user.pk} {body}".encode()).hexdigest(),
    )


def _again(row: IdempotencyKey) -> Response:
    first = IdempotencyKey.objects.get(customer_id=row.customer_id, route=row.route, key=row.key)
    if first.body_digest != row.body_digest:
        raise Conflict(f"This {HEADER} was used with another body. Send a new key.")
    return Response(json.loads(first.answer), status=first.status, headers=first.headers)
