"""The checks that refuse an unsafe start."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError

from config import checks
from tests.tenants.roles import OWNER, SIGNER, WEB, acting_as

SAFE = {
    "DEPLOYMENT_MODE": "production",
    "DEVELOPMENT": False,
    "SECRET_KEY": "s" * 32,
    "JWT_SECRET": "j" * 32,
    "ALLOWED_HOSTS": ["patch.example.com"],
    "PUBLIC_URL": "https://patch.example.com",
    "BROKER_URL": "redis://broker:6379/0",
}


def found(settings: Any, **changes: object) -> list[str]:
    """The ids of our own checks that fire with these settings."""
    for name, value in (SAFE | changes).items():
        setattr(settings, name, value)
    return [message.id or "" for message in run_checks() if (message.id or "").startswith("config.")]


def test_checks__safe_production__find_nothing(settings: Any) -> None:
    assert found(settings) == []


def test_checks__development_by_name__may_use_http_and_any_host(settings: Any) -> None:
    easy = {"DEPLOYMENT_MODE": "development", "DEVELOPMENT": True, "ALLOWED_HOSTS": [], "PUBLIC_URL": "http://x"}

    assert found(settings, **easy) == []


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"SECRET_KEY": ""}, ["config.E001"]),
        ({"SECRET_KEY": "s" * 31}, ["config.E001"]),
        ({"JWT_SECRET": ""}, ["config.E002"]),
        ({"JWT_SECRET": "j" * 31}, ["config.E002"]),
        ({"SECRET_KEY": "", "JWT_SECRET": ""}, ["config.E001", "config.E002"]),
        ({"JWT_SECRET": SAFE["SECRET_KEY"]}, ["config.E003"]),
        ({"DEPLOYMENT_MODE": "prod"}, ["config.E004"]),
        ({"DEPLOYMENT_MODE": ""}, ["config.E004"]),
        ({"ALLOWED_HOSTS": []}, ["config.E005"]),
        ({"ALLOWED_HOSTS": ["patch.example.com", "*"]}, ["config.E005"]),
        ({"PUBLIC_URL": "http://patch.example.com"}, ["config.E006"]),
        ({"PUBLIC_URL": ""}, ["config.E006"]),
        ({"BROKER_URL": ""}, ["config.E008"]),
    ],
)
def test_checks__something_is_unsafe__say_which(settings: Any, changes: dict[str, object], ids: list[str]) -> None:
    assert found(settings, **changes) == ids


def test_checks__no_database__say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "NAME", "")

    assert [one.id for one in checks.servers_are_named(None)] == ["config.E007"]


@pytest.mark.parametrize("role", [WEB, SIGNER])
def test_database_role__of_a_server__is_accepted(committed: None, role: str) -> None:
    with acting_as(role):
        assert checks.serving_role_is_held_by_row_security(None, databases=["default"]) == []


def test_database_role__owner_of_tables__is_refused(committed: None) -> None:
    with acting_as(OWNER):
        (error,) = checks.serving_role_is_held_by_row_security(None, databases=["default"])

    assert error.id == "config.E009"


def test_database_role__not_asked_for__is_not_asked(settings: Any) -> None:
    assert checks.serving_role_is_held_by_row_security(None, databases=None) == []


def test_start__unsafe__is_refused(committed: None, settings: Any) -> None:
    settings.JWT_SECRET = "short"

    with pytest.raises(SystemCheckError, match=r"config\.E002"):
        checks.refuse_unsafe_start()


def test_start__safe__goes_on(committed: None) -> None:
    checks.refuse_unsafe_start()


def manage_check(**environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in a process of its own, with nothing of our environment but how to find Python."""
    found = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(
        command, env=found | environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False
    )


def test_manage__production_with_nothing_set__is_refused() -> None:
    assert manage_check(DEPLOYMENT_MODE="production").returncode != 0


def test_manage__production_with_a_database_alone__is_refused_with_every_reason() -> None:
    ended = manage_check(DEPLOYMENT_MODE="production", DATABASE_URL="postgresql://patch_web:x@127.0.0.1:1/patch")

    assert ended.returncode == 1
    for number in (1, 2, 5, 6, 8):
        assert f"config.E00{number}" in ended.stderr


def test_manage__production_with_all_of_it__passes() -> None:
    ended = manage_check(
        DEPLOYMENT_MODE="production",
        SECRET_KEY="s" * 32,
        JWT_SECRET="j" * 32,
        ALLOWED_HOSTS="patch.example.com",
        PUBLIC_URL="https://patch.example.com",
        DATABASE_URL="postgresql://patch_web:x@127.0.0.1:1/patch",
        BROKER_URL="redis://127.0.0.1:1/0",
    )

    assert ended.returncode == 0, ended.stderr


def test_wsgi__production_with_an_unsafe_setting__does_not_start() -> None:
    code = "import config.wsgi"
    environment = {
        "PATH": os.environ["PATH"],
        "DEPLOYMENT_MODE": "production",
        "DATABASE_URL": os.environ["DATABASE_WEB_URL"],
        "BROKER_URL": os.environ["BROKER_URL"],
        "SECRET_KEY": "short",
    }

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "config.E001" in ended.stderr
