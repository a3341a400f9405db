"""Pauses: of one customer over HTTP, of the whole service by a command. They are rows, and outlive every restart."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from calendars import services
from calendars.models import ServicePause
from core.customer_context import acting_for, scheduling
from core.models import Event
from tests import factories
from tests.factories import NOW, Person

UNPAUSED = {
    "paused": False,
    "reason": None,
    "pausedBy": {"user": None, "date": None},
    "servicePaused": False,
    "serviceReason": None,
}


def _command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().strip()


def test_pause__nobody_said_so__is_none(ada: Person) -> None:
    assert ada.get("pause").json() == UNPAUSED


def test_pause__put__is_shown_with_who_and_why_and_recorded(ada: Person) -> None:
    answer = ada.put("pause", {"paused": "true", "reason": "moving house"})

    shown = answer.json()
    assert answer.status_code == 200
    assert shown == ada.get("pause").json()
    assert (shown["paused"], shown["reason"], shown["pausedBy"]["user"]["name"]) == (True, "moving house", "ada")
    assert Event.objects.get(kind="customer.paused").data == {"reason": "moving house"}


def test_pause__again__keeps_since_when_and_takes_the_new_reason(ada: Person) -> None:
    first = ada.put("pause", {"paused": True, "reason": "moving house"}).json()

    second = ada.put("pause", {"paused": True, "reason": "still moving"}).json()

    assert second == first | {"reason": "still moving"}


def test_pause__ended__is_gone_and_ending_it_again_does_no_harm(ada: Person) -> None:
    ada.put("pause", {"paused": True})

    assert ada.put("pause", {"paused": False}).json() == UNPAUSED
    assert ada.put("pause", {"paused": False}).json() == UNPAUSED
    assert Event.objects.filter(kind="customer.resumed").count() == 1


def test_pause__what_was_read__can_be_sent_back(ada: Person) -> None:
    shown = ada.put("pause", {"paused": True, "reason": "moving house"}).json()

    assert ada.put("pause", shown).json() == shown


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "paused"), ({"paused": "perhaps"}, "paused"), ({"paused": True, "reason": "x" * 1_001}, "reason")],
)
def test_pause__what_cannot_be_meant__is_refused(ada: Person, body: dict[str, Any], field: str) -> None:
    answer = ada.put("pause", body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_pause__of_another_customer__is_nobody_elses(ada: Person) -> None:
    stranger = factories.stranger()
    stranger.put("pause", {"paused": True})

    assert ada.get("pause").json() == UNPAUSED
    ada.put("pause", {"paused": False})
    assert stranger.get("pause").json()["paused"] is True


def test_pause_command__pauses_everybody_until_resume(ada: Person) -> None:
    said = _command("pause", "--reason", "restoring a backup")

    shown = ada.get("pause").json()
    assert said.startswith("Paused since 20")
    assert shown == UNPAUSED | {"servicePaused": True, "serviceReason": "restoring a backup"}
    assert _command("resume") == "Resumed."
    assert _command("resume") == "Nothing was paused."
    assert ada.get("pause").json() == UNPAUSED


def test_pause_command__again__keeps_since_when(db: None) -> None:
    first = _command("pause")

    assert _command("pause", "--reason", "known by now") == first
    assert ServicePause.objects.get().reason == "known by now"


@pytest.mark.usefixtures("committed")
def test_paused__as_the_scheduler__says_which_customers() -> None:
    ada, eve = factories.person(customer=factories.customer()), factories.stranger()
    with acting_for(ada.customer.pk):
        services.pause_customer(user=ada.user, reason="moving house", at=NOW)

    with scheduling():
        by_customer = services.paused([ada.customer.pk, eve.customer.pk])
    services.pause_service(reason="", at=NOW)
    with scheduling():
        by_service = services.paused([ada.customer.pk, eve.customer.pk])

    assert by_customer == {ada.customer.pk: services.Paused("moving house", NOW, by_service=False)}
    everybody = services.Paused("", NOW, by_service=True)
    assert by_service == {ada.customer.pk: everybody, eve.customer.pk: everybody}
