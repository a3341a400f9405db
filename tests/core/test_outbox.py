"""Events, their messages, the consumers that do the work, and the relay that wakes them."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings as django_settings
from django.db import connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from core import events, relay
from core.consumers import consumer, slow_consumer
from core.customer_context import acting_for, enter, scheduling
from core.models import Event, Message
from inventory.models import Tag
from tenants.models import Customer
from tests import factories

KIND = "test.happened"


@pytest.fixture
def acme(committed: None, settings: Any) -> Customer:
    """A customer; what happens to it here calls for two tasks."""
    settings.EVENT_TASKS = {KIND: ["test.first", "test.second"]}
    return factories.customer("Acme")


def happen(customer: Customer, **more: Any) -> Event:
    """Record an event, committed."""
    with acting_for(customer.pk):
        return events.record(customer_id=customer.pk, kind=KIND, at=factories.NOW, **more)


def messages(customer: Customer) -> list[Message]:
    """What the outbox holds."""
    with acting_for(customer.pk):
        return list(Message.objects.order_by("pk"))


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """What several threads get that do the same at the same moment."""
    together = threading.Barrier(count)

    def one() -> Any:
        try:
            together.wait(timeout=10)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        futures: list[Future[Any]] = [threads.submit(one) for _ in range(count)]
        return [future.result() for future in futures]


def make(handle: Callable[[Event], Any], *, slow: bool = False) -> Any:
    """A consumer with a name of its own: Celery keeps one task for each."""
    return (slow_consumer if slow else consumer)(f"test.{uuid.uuid4()}")(handle)


def test_record__with_tasks__leaves_one_message_for_each(acme: Customer) -> None:
    event = happen(acme, job_id=7, data={"a": 1})

    assert [(one.task, one.event_id, one.attempts) for one in messages(acme)] == [
        ("test.first", event.pk, 0),
        ("test.second", event.pk, 0),
    ]


def test_record__without_tasks__leaves_no_message(acme: Customer) -> None:
    with acting_for(acme.pk):
        events.record(customer_id=acme.pk, kind="test.unheard", at=factories.NOW)

        assert Event.objects.count() == 1
    assert messages(acme) == []


def test_record__rolled_back__leaves_neither(acme: Customer) -> None:
    with pytest.raises(ZeroDivisionError), acting_for(acme.pk):
        events.record(customer_id=acme.pk, kind=KIND, at=factories.NOW)
        _ = 1 / 0

    with acting_for(acme.pk):
        assert not Event.objects.exists()
        assert not Message.objects.exists()


def test_consumer__once__does_its_work_and_deletes_the_message(acme: Customer) -> None:
    seen: list[int] = []
    work = make(lambda event: seen.append(event.pk))
    event = happen(acme)
    first, second = messages(acme)

    work(acme.pk, first.pk)

    assert seen == [event.pk]
    assert messages(acme) == [second]


def test_consumer__delivered_again__does_nothing(acme: Customer) -> None:
    seen: list[int] = []
    work = make(lambda event: seen.append(event.pk))
    happen(acme)
    first, _ = messages(acme)

    work(acme.pk, first.pk)
    work(acme.pk, first.pk)

    assert len(seen) == 1


def test_consumer__delivered_four_times_at_once__works_once(acme: Customer) -> None:
    def handle(event: Event) -> None:
        Tag.objects.create(customer_id=event.customer_id, name=str(uuid.uuid4()))

    work = make(handle)
    happen(acme)
    first, second = messages(acme)

    at_once(4, lambda: work(acme.pk, first.pk))

    assert messages(acme) == [second]
    with acting_for(acme.pk):
        assert Tag.objects.count() == 1


def test_consumer__fails__leaves_the_message_and_nothing_of_its_work(acme: Customer) -> None:
    def handle(event: Event) -> None:
        Tag.objects.create(customer_id=event.customer_id, name="half done")
        raise ZeroDivisionError

    work = make(handle)
    happen(acme)
    first, second = messages(acme)

    with pytest.raises(ZeroDivisionError):
        work(acme.pk, first.pk)

    assert messages(acme) == [first, second]
    with acting_for(acme.pk):
        assert not Tag.objects.exists()


def test_consumer__message_of_another_customer__finds_nothing(acme: Customer) -> None:
    seen: list[int] = []
    work = make(lambda event: seen.append(event.pk))
    happen(acme)
    first, _ = messages(acme)
    rival = factories.customer("Rival")

    work(rival.pk, first.pk)

    assert seen == []
    assert len(messages(acme)) == 2


@pytest.mark.parametrize(("over", "left"), [(True, 1), (False, 2)])
def test_slow_consumer__says_whether_it_is_over__the_message_stays_if_not(
    acme: Customer, over: bool, left: int
) -> None:
    in_transaction: list[bool] = []

    def handle(_: Event) -> bool:
        in_transaction.append(connections["default"].in_atomic_block)
        return over

    work = make(handle, slow=True)
    happen(acme)
    first, _ = messages(acme)

    work(acme.pk, first.pk)

    assert in_transaction == [False]
    assert len(messages(acme)) == left


def test_slow_consumer__fails__leaves_the_message(acme: Customer) -> None:
    def handle(_: Event) -> bool:
        raise OSError

    work = make(handle, slow=True)
    happen(acme)
    first, _ = messages(acme)

    with pytest.raises(OSError):
        work(acme.pk, first.pk)

    assert len(messages(acme)) == 2


# The relay, with a recorder in the place of Celery's `send_task`: what is published, and when it is due again.


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What the relay sent, as (task, customer, message)."""
    sent: list[tuple[str, int, int]] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, args: sent.append((task, *args)))
    return sent


def due_in(customer: Customer, **wait: float) -> None:
    """Set when the customer's messages are due."""
    with acting_for(customer.pk):
        Message.objects.update(due_at=timezone.now() + timedelta(**wait))


def test_relay__due__is_published_with_two_ids(acme: Customer, published: list[tuple[str, int, int]]) -> None:
    happen(acme)
    first, second = messages(acme)

    assert relay.publish_due() == 2

    assert published == [("test.first", acme.pk, first.pk), ("test.second", acme.pk, second.pk)]
    assert [one.attempts for one in messages(acme)] == [1, 1]


def test_relay__of_several_customers__publishes_all(acme: Customer, published: list[tuple[str, int, int]]) -> None:
    rival = factories.customer("Rival")
    for customer in (acme, rival):
        happen(customer)

    relay.publish_due()

    assert {customer_id for _, customer_id, _ in published} == {acme.pk, rival.pk}


def test_relay__not_due__waits(acme: Customer, published: list[tuple[str, int, int]]) -> None:
    happen(acme)
    due_in(acme, seconds=1)

    assert relay.publish_due() == 0
    assert published == []


def test_relay__nobody_does_the_work__backs_off(acme: Customer, published: list[tuple[str, int, int]]) -> None:
    happen(acme)
    waits = []
    for _ in range(9):
        due_in(acme, seconds=-1)
        relay.publish_due()
        waits.append(round((messages(acme)[0].due_at - timezone.now()).total_seconds()))

    assert waits == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300], abs=2)
    assert len(published) == 18


def test_relay__broker_is_away__the_messages_stay_due(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BrokerError("away")

    monkeypatch.setattr(current_app, "send_task", refuse)
    happen(acme)

    with pytest.raises(BrokerError):
        relay.publish_due()

    assert [one.attempts for one in messages(acme)] == [0, 0]


def test_relay__broker_comes_back__goes_on_by_itself(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def twice_away(task: str, args: list[int]) -> None:
        if len(sent) < 2:
            sent.append("refused")
            raise BrokerError("away")
        sent.append(task)

    monkeypatch.setattr(current_app, "send_task", twice_away)
    monkeypatch.setattr(relay, "_TROUBLE_SECONDS", 0)
    monkeypatch.setattr(relay, "_IDLE_SECONDS", 0)
    happen(acme)

    relay.run(stopped=lambda: len(sent) >= 4)

    assert sent == ["refused", "refused", "test.first", "test.second"]


def test_relay__three_at_once__publish_no_message_twice(
    acme: Customer, published: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BATCH", 7)
    for _ in range(15):
        happen(acme)

    def drain() -> int:
        count = 0
        while batch := relay.publish_due():
            count += batch
        return count

    counts = at_once(3, drain)

    assert sum(counts) == 30
    assert len(set(published)) == len(published) == 30


def test_relay__another_holds_a_row__passes_over_it(acme: Customer, published: list[tuple[str, int, int]]) -> None:
    happen(acme)
    first, second = messages(acme)

    def publish() -> int:
        try:
            return relay.publish_due()
        finally:
            connections.close_all()

    with acting_for(acme.pk), ThreadPoolExecutor(1) as other:
        Message.objects.select_for_update().get(pk=first.pk)
        count = other.submit(publish).result(timeout=10)

    assert count == 1
    assert published == [("test.second", acme.pk, second.pk)]


# With the real broker: the message of a task lies in the queue that its route names.


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The broker's own server, with our queue empty before and after."""
    client = redis.Redis.from_url(django_settings.BROKER_URL)
    client.delete("sign")
    yield client
    client.delete("sign")
    client.close()


def test_relay__real_broker__the_message_lies_in_its_queue(committed: None, broker: redis.Redis) -> None:
    customer = factories.customer("Acme")
    with acting_for(customer.pk):
        events.record(customer_id=customer.pk, kind="customer.created", at=factories.NOW)

    count = relay.publish_due()

    assert count == 1
    assert broker.llen("sign") == 1
    assert b"agents.create_signing_key" in broker.lindex("sign", 0)


# The context that all of this works in.


def _current() -> tuple[str, str]:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.customer_id', true), ''), current_user")
        return tuple(cursor.fetchone())


def test_context__outside_of_a_transaction__is_refused(committed: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        enter(1)


def test_context__nested__comes_back_to_the_one_before(committed: None) -> None:
    with acting_for(1):
        with acting_for(2):
            inside = _current()
        after = _current()

    assert (inside[0], after[0], _current()[0]) == ("2", "1", "")


def test_context__nested_one_fails__comes_back_too(committed: None) -> None:
    with acting_for(1):
        with pytest.raises(ZeroDivisionError), acting_for(2):
            _ = 1 / 0
        after = _current()

    assert after[0] == "1"


def test_context__transaction_ends__leaves_nothing_on_the_connection(committed: None) -> None:
    with transaction.atomic():
        enter(7)

    assert _current()[0] == ""


def test_scheduling__ends_or_fails__the_worker_is_itself_again(committed: None) -> None:
    with acting_for(1):
        with scheduling():
            inside = _current()
        with pytest.raises(ZeroDivisionError), scheduling():
            _ = 1 / 0
        after = _current()

    assert inside[1] == "patch_scheduler"
    assert after == ("1", "patch_worker")
