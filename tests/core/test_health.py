"""Alive, and ready."""

import time
from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from core import health
from core.models import Heartbeat

CHECKS = ("database", "migrations", "broker")


def _fine() -> str | None:
    return None


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the checks by functions; those not named find nothing wrong."""

    def replace(**given: Callable[[], str | None]) -> None:
        monkeypatch.setattr(health, "_CHECKS", {name: given.get(name, _fine) for name in CHECKS})

    return replace


def _fails() -> str | None:
    raise OperationalError("could not connect to 10.0.0.7 as patch_web")


def test_healthz__whatever_else__is_alive() -> None:
    answer = health.healthz(RequestFactory().get("/healthz"))

    assert (answer.status_code, answer.content) == (200, b'{"status": "alive"}')
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("view", [health.healthz, health.readyz])
def test_views__other_methods__are_refused(view: Callable[..., object]) -> None:
    assert view(RequestFactory().post("/x")).status_code == 405  # type: ignore[attr-defined]


def test_readyz__all_there__is_ready(committed: None, client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "tickedSecondsAgo": None})


def test_readyz__a_worker_ticks__says_how_long_ago(committed: None, client: Client) -> None:
    Heartbeat.beat("tick")
    Heartbeat.beat("tick")

    answer = client.get("/readyz")

    assert 0 <= answer.json()["tickedSecondsAgo"] < 10


def test_readyz__something_missing__names_it_and_no_secrets(checks: Callable[..., None]) -> None:
    checks(database=_fails, migrations=lambda: "not applied: core.0007")

    answer = health.readyz(RequestFactory().get("/readyz"))

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"Not ready: database, migrations." in answer.content
    assert b"core.0007" in answer.content
    assert b"10.0.0.7" not in answer.content


def test_readyz__something_hangs__is_told_within_its_second(checks: Callable[..., None]) -> None:
    checks(broker=lambda: time.sleep(2))
    began = time.perf_counter()

    (problem,) = health.not_ready()

    assert time.perf_counter() - began < 1.9
    assert (problem.field, problem.message) == ("broker", "no answer within 1 s")


def test_readyz__everything_hangs__waits_for_one_second_in_all(checks: Callable[..., None]) -> None:
    checks(**dict.fromkeys(CHECKS, lambda: time.sleep(1.5)))
    began = time.perf_counter()

    problems = health.not_ready()

    assert time.perf_counter() - began < 1.4
    assert [problem.field for problem in problems] == list(CHECKS)


def test_unapplied__migration_without_its_row__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_applied", lambda: {("core", "0001_initial")})
    monkeypatch.setattr(health, "_newest_migrations", lambda: [("core", "0001_initial"), ("core", "0002_walls")])

    assert health._unapplied() == ["core.0002_walls"]


def test_newest_migrations__of_this_project__are_found() -> None:
    assert "core" in {app for app, _ in health._newest_migrations()}
