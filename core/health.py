"""Whether this process lives, and whether it can do its work. For load balancers: no sign-in, no transaction."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache

from celery import current_app
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from core.errors import Problem, Unavailable, json_response

_SECONDS = 1.0
# A database that hangs answers no timeout of its own making, so it is asked from a thread that can be left waiting.
# As many as can hang before the next question does not even begin; then the answer is "not ready" all the same.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="readyz")


@csrf_exempt
@never_cache
@require_safe
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process serves at all."""
    return JsonResponse({"status": "alive"})


@csrf_exempt
@never_cache
@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, schema and broker are there; 503 that names what is not.

    `tickedSecondsAgo` says when a worker last did the scheduler's work: one may live, be connected and consume nothing.
    """
    problems = not_ready()
    if problems:
        names = ", ".join(problem.field for problem in problems)
        return json_response(Unavailable(f"Not ready: {names}.", problems=problems))
    return JsonResponse({"status": "ready", "tickedSecondsAgo": _ticked_seconds_ago()})


def not_ready() -> list[Problem]:
    """What keeps this process from its work: `database`, `migrations` or `broker`; empty when nothing does."""
    asked = [(name, _threads.submit(check)) for name, check in _CHECKS.items()]
    wait([future for _, future in asked], timeout=_SECONDS)
    return [Problem(name, "not_ready", why) for name, future in asked if (why := _outcome(future)) is not None]


def _outcome(future: "Future[str | None]") -> str | None:
    """What the check found, or how it failed. The class alone: messages of drivers carry addresses and names."""
    try:
        return future.result(timeout=0)
    except TimeoutError:
        future.cancel()
        return f"no answer within {_SECONDS:g} s"
    except Exception as trouble:
        return f"failed with {type(trouble).__name__}"


def _database() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return None


def _migrations() -> str | None:
    global _migrated  # noqa: PLW0603 - what was once applied stays so while this process lives; do not ask again
    if not _migrated:
        missing = _unapplied()
        _migrated = not missing
        return f"not applied: {', '.join(missing)}" if missing else None
    return None


_migrated = False


def _unapplied() -> list[str]:
    applied = _applied()
    return [f"{app}.{name}" for app, name in _newest_migrations() if (app, name) not in applied]


def _applied() -> set[tuple[str, str]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            return set(cursor.fetchall())
    finally:
        connection.close()


@cache
def _newest_migrations() -> list[tuple[str, str]]:
    # Without a connection: only the files are read.
    return sorted(MigrationLoader(None).graph.leaf_nodes())


def _broker() -> str | None:
    with current_app.connection_for_write(connect_timeout=_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=1)
    return None


def _ticked_seconds_ago() -> float | None:
    """By the database's clock; None where no worker has ever ticked."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM now() - beaten_at) FROM core_heartbeat WHERE name = 'tick'")
            row = cursor.fetchone()
    finally:
        connection.close()
    return None if row is None else round(float(row[0]), 1)


_CHECKS: dict[str, Callable[[], str | None]] = {"database": _database, "migrations": _migrations, "broker": _broker}
