"""System checks that refuse an unsafe production start. `manage.py check --deploy` and every worker run them."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from django.db import connections

_SHORTEST_SECRET = 32


@register(Tags.security)
def secrets_are_set(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """`SECRET_KEY` and `JWT_SECRET` are long enough, and not one and the same."""
    found: list[CheckMessage] = [
        Error(
            f"{name} must be at least {_SHORTEST_SECRET} random characters.",
            hint='python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            id=f"config.E00{number}",
        )
        for number, name in enumerate(["SECRET_KEY", "JWT_SECRET"], start=1)
        if len(_secret(name)) < _SHORTEST_SECRET
    ]
    if settings.JWT_SECRET and _secret("SECRET_KEY") == settings.JWT_SECRET:
        found.append(Error("SECRET_KEY and JWT_SECRET must differ.", id="config.E003"))
    return found


def _secret(name: str) -> str:
    """The setting, or '': Django itself raises for an empty SECRET_KEY, before anybody can say what to do."""
    try:
        return str(getattr(settings, name))
    except ImproperlyConfigured:
        return ""


@register(Tags.security)
def mode_is_known(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """`DEPLOYMENT_MODE` is one of the two that mean something."""
    if settings.DEPLOYMENT_MODE in {"development", "production"}:
        return []
    return [Error("DEPLOYMENT_MODE must be development or production.", id="config.E004")]


@register(Tags.security)
def production_is_reachable_by_name_over_tls(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """In production: hosts are named, and links in mails are https."""
    if settings.DEVELOPMENT:
        return []
    found: list[CheckMessage] = []
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS must name the hosts that this service answers for.", id="config.E005"))
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(Error("PUBLIC_URL must be an https address in production.", id="config.E006"))
    return found


@register(Tags.security)
def servers_are_named(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A database and a broker are configured."""
    found: list[CheckMessage] = []
    if not settings.DATABASES["default"].get("NAME"):
        found.append(Error("DATABASE_URL is not set.", id="config.E007"))
    if not settings.BROKER_URL:
        found.append(Error("BROKER_URL is not set.", id="config.E008"))
    return found


@register(Tags.database)
def serving_role_is_held_by_row_security(
    app_configs: Any, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """The role that serves is no superuser, cannot bypass row-level security, and owns no table."""
    if "default" not in (databases or []):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            """
            SELECT rolsuper OR rolbypassrls,
                   EXISTS (SELECT FROM pg_class WHERE relowner = r.oid AND relkind IN ('r', 'p'))
            FROM pg_roles r WHERE rolname = current_user
            """
        )
        bypasses, owns = cursor.fetchone() or (True, True)
    if bypasses or owns:
        return [
            Error(
                "DATABASE_URL names a role that row-level security does not hold: a superuser, one with BYPASSRLS, "
                "or an owner of tables.",
                hint="Use patch_web or patch_worker, as embedded/roles.sql makes them.",
                id="config.E009",
            )
        ]
    return []


def refuse_unsafe_start() -> None:
    """Run by the web and by every worker before they serve: raises SystemCheckError where a check finds an error."""
    errors = [found for found in run_checks(databases=["default"]) if found.is_serious()]
    if errors:
        raise SystemCheckError("\n".join(str(error) for error in errors))
