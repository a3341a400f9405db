"""From an event to a mail in somebody's box, over a real SMTP conversation."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as django_settings
from django.utils import timezone

from core import events
from core.customer_context import acting_for
from core.models import Event, Message
from demo.mailbox import Mailbox
from embedded.ports import find_free
from notifications import services
from notifications.mail import client
from notifications.models import Delivery
from tests import factories
from tests.factories import NOW, Person

JOB_ID = "7f1e8c1c-0000-4000-8000-000000000000"
MAIL = {
    "notificationTypes": {"email": True},
    "notificationConfigs": {"recipientEmails": ["ops@example.com"], "completedPercentage": None},
    "notificationEvents": {"onJobStart": True, "onJobComplete": True},
}


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """A mail server that takes everything."""
    with Mailbox() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = box.host, box.port, 5
        yield box


class Unfriendly:
    """A mail server that does something else than to take a mail, as often as told."""

    def __init__(self, *moods: str) -> None:
        self.moods = list(moods)
        self.taken = 0
        self.port = find_free()

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Refuse the address, or think for a while."""
        mood = self.moods[0] if self.moods else ""
        if mood.startswith("5"):
            return mood
        if mood == "slow":
            await asyncio.sleep(0.5)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, _envelope: Any) -> str:
        """Refuse for now, hang up, or take it."""
        mood = self.moods.pop(0) if self.moods else ""
        if mood.startswith("4"):
            return mood
        if mood == "hang up":
            server.transport.abort()
            return "250 lost"
        self.taken += 1
        return "250 OK"

    def __enter__(self) -> "Unfriendly":
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def _event(ada: Person, kind: str = "run.started", *, name: str = "Monthly", **data: Any) -> Event:
    facts = {
        "jobId": JOB_ID,
        "jobName": name,
        "type": "Install",
        "jobInstanceId": 3,
        "hosts": 4,
        "notification": MAIL,
    }
    return events.record(customer_id=ada.customer.pk, kind=kind, at=NOW, job_id=1, run_id=2, data=facts | data)


def _delivery(ada: Person, **changes: Any) -> Delivery:
    services.plan(event=_event(ada, **changes), at=NOW)
    return Delivery.objects.latest("pk")


def _deliver(delivery: Delivery) -> bool:
    return services.deliver(customer_id=delivery.customer_id, delivery_id=delivery.pk)


def _now(delivery: Delivery) -> tuple[str, int]:
    found = Delivery.objects.get(pk=delivery.pk)
    return found.state, found.attempts


# --- planning ---------------------------------------------------------------------------------------------------------


def test_plan__three_recipients__one_delivery_each_once(ada: Person) -> None:
    people = ["a@example.com", "b@example.com", "a@example.com"]
    event = _event(ada, notification=MAIL | {"notificationConfigs": {"recipientEmails": people}})

    for _ in range(2):
        services.plan(event=event, at=NOW)

    assert sorted(Delivery.objects.values_list("recipient", "state", "event_id")) == [
        ("a@example.com", "Pending", event.pk),
        ("b@example.com", "Pending", event.pk),
    ]


def test_plan__each_delivery__has_its_event_and_message(ada: Person) -> None:
    delivery = _delivery(ada)

    event = Event.objects.get(kind="notification.planned")
    message = Message.objects.get(event_id=event.pk)
    assert event.data == {"deliveryId": delivery.pk}
    assert message.task == "notifications.deliver"


@pytest.mark.parametrize(
    ("kind", "asked", "mails"),
    [
        ("run.started", {"onJobStart": True, "onJobComplete": False}, 1),
        ("run.started", {"onJobStart": False, "onJobComplete": True}, 0),
        ("run.completed", {"onJobStart": True, "onJobComplete": False}, 0),
        ("run.completed", {"onJobStart": False, "onJobComplete": True}, 1),
    ],
)
def test_plan__only_what_was_asked_for__is_told(ada: Person, kind: str, asked: dict[str, bool], mails: int) -> None:
    services.plan(event=_event(ada, kind, notification=MAIL | {"notificationEvents": asked}), at=NOW)

    assert Delivery.objects.count() == mails


@pytest.mark.parametrize("notification", [None, MAIL | {"notificationTypes": {"email": False}}])
def test_plan__nobody_to_tell__plans_nothing(ada: Person, notification: Any) -> None:
    services.plan(event=_event(ada, notification=notification), at=NOW)

    assert not Delivery.objects.exists()


# --- delivering -------------------------------------------------------------------------------------------------------


def test_deliver__start_of_a_run__is_text_and_html(ada: Person, mailbox: Mailbox) -> None:
    delivery = _delivery(ada)

    assert _deliver(delivery) is True

    (mail,) = mailbox.messages
    assert (mail["To"], mail["From"]) == ("ops@example.com", django_settings.DEFAULT_FROM_EMAIL)
    assert mail["Subject"] == "Monthly: run 3 started"
    assert mail["Message-ID"].startswith(f"<{delivery.public_id}@")
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for part in (text, html):
        assert "Monthly" in part
        assert "2026-11-10 09:00:00 UTC" in part
        assert f"{django_settings.PUBLIC_URL}/pm/v1/deploymentjob/{JOB_ID}/runs/3" in part
    found = Delivery.objects.get()
    assert (found.state, found.attempts, found.lease_until, found.error) == ("Sent", 1, None, "")


def test_deliver__end_of_a_run__tells_the_counts(ada: Person, mailbox: Mailbox) -> None:
    _deliver(_delivery(ada, kind="run.completed", counts={"Succeeded": 3, "Failed": 1}))

    (mail,) = mailbox.messages
    assert mail["Subject"] == "Monthly: run 3 ended, 3 succeeded, 1 failed"
    assert "Failed: 1" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    "name",
    [
        "x\r\nBcc: eve@example.com",
        "x\nSubject: other",
        "x\r\n\r\n<p>body</p>",
        "x\u2028y\u2029z\x85w",
        "x\x00\x07\x1b[31m",
        "x\u202egpj.exe\u2066\u200b",
        "x" * 300,
        "Grüße 🎉 " * 20,
        "=?utf-8?q?=0D=0ABcc:_eve?=",
        "",
    ],
)
def test_deliver__any_job_name__stays_one_subject(ada: Person, mailbox: Mailbox, name: str) -> None:
    # Postgres refuses NUL in JSON, so that one can only reach the subject by itself.
    shown = client.subject(Event(kind="run.started", data={"jobName": name, "jobInstanceId": 3}))
    assert _deliver(_delivery(ada, name=name.replace("\x00", ""))) is True

    (mail,) = mailbox.messages
    assert len(mail.get_all("Subject")) == 1
    assert mail["Bcc"] is None
    assert mail["To"] == "ops@example.com"
    # A first line that is too long starts with the blank that it was folded at.
    for subject in (shown, str(mail["Subject"]).strip()):
        assert len(subject) <= 150
        assert not [letter for letter in subject if not letter.isprintable()]


def test_deliver__html_in_the_name__is_escaped_in_html_alone(ada: Person, mailbox: Mailbox) -> None:
    name = """<script>alert("1")</script>&'{{ 7 }}"""

    _deliver(_delivery(ada, name=name))

    (mail,) = mailbox.messages
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert name in text
    assert "<script>" not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;{{ 7 }}" in html


def test_deliver__sent_already__is_over_and_sends_no_other(ada: Person, mailbox: Mailbox) -> None:
    delivery = _delivery(ada)

    assert [_deliver(delivery), _deliver(delivery)] == [True, True]
    assert len(mailbox.messages) == 1


def test_deliver__unknown_delivery__is_not_over(ada: Person) -> None:
    assert services.deliver(customer_id=ada.customer.pk, delivery_id=10**9) is False


@pytest.mark.parametrize("mood", ["451 try again", "hang up"])
def test_deliver__server_in_trouble__is_tried_again_and_sent_once(ada: Person, settings: Any, mood: str) -> None:
    delivery = _delivery(ada)
    with Unfriendly(mood) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        first = _deliver(delivery), *_now(delivery)
        second = _deliver(delivery), *_now(delivery)

    assert (first, second) == ((False, "Pending", 1), (True, "Sent", 2))
    assert server.taken == 1


def test_deliver__no_server__is_tried_again(ada: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", find_free()
    delivery = _delivery(ada)

    assert _deliver(delivery) is False
    assert _now(delivery) == ("Pending", 1)
    assert Delivery.objects.get().error


def test_deliver__refused_address__is_given_up_at_once(ada: Person, settings: Any) -> None:
    delivery = _delivery(ada)
    with Unfriendly("550 no such person") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        over = _deliver(delivery)

    found = Delivery.objects.get()
    assert (over, found.state, found.attempts) == (True, "Failed", 1)
    assert "no such person" in found.error
    assert found.finished_at is not None


def test_deliver__after_the_last_attempt__is_given_up(ada: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", find_free()
    delivery = _delivery(ada)

    over = [_deliver(delivery) for _ in range(services.MAX_ATTEMPTS)]

    assert over == [False] * (services.MAX_ATTEMPTS - 1) + [True]
    assert _now(delivery) == ("Failed", services.MAX_ATTEMPTS)


@pytest.mark.parametrize(("left", "sent"), [(timedelta(minutes=1), 0), (timedelta(seconds=-1), 1)])
def test_deliver__lease_of_another_worker__is_respected_until_it_ends(
    ada: Person, mailbox: Mailbox, left: timedelta, sent: int
) -> None:
    delivery = _delivery(ada)
    Delivery.objects.update(state="Sending", attempts=1, lease_until=timezone.now() + left)

    assert _deliver(delivery) is bool(sent)
    assert len(mailbox.messages) == sent


def test_deliver__by_four_workers_at_once__sends_one_mail(committed: None, settings: Any) -> None:
    ada = factories.person(customer=factories.customer())
    with acting_for(ada.customer.pk):
        delivery = _delivery(ada)
    with Unfriendly("slow") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        over = factories.at_once(lambda: _deliver(delivery), threads=4)

    assert sorted(over) == [False, False, False, True]
    assert server.taken == 1
    with acting_for(ada.customer.pk):
        assert _now(delivery) == ("Sent", 1)


def test_deliver__of_another_customer__is_not_found(ada: Person, mailbox: Mailbox) -> None:
    delivery = _delivery(ada)

    assert services.deliver(customer_id=factories.customer().pk, delivery_id=delivery.pk) is False
    assert not mailbox.messages
