"""Many clients at the same moment: one key makes one job, and no change that a precondition guards is lost."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.customer_context import acting_for
from deployments.models import Job
from tests import factories
from tests.contract import house as houses
from tests.contract.house import House, run_script

POSTS = 50
PATCHES = 200
# So many clients at once; each sends its share one after the other.
CLIENTS = 8
LABELS = [f"{number:03}" for number in range(PATCHES)]


@pytest.fixture
def committed_house(committed: None) -> Iterator[House]:
    """A house whose rows other connections see."""
    yield houses.build(factories.person(customer=factories.customer(), username="ada"))


def test_create__fifty_at_once_with_one_key__make_one_job_and_one_answer(committed_house: House) -> None:
    house = committed_house
    body = house.linux(preDeployActions=[run_script("sh")])

    answers = factories.at_once(
        lambda: house.ada.post("deploymentjob", body, **{"Idempotency-Key": "the-only-one"}), threads=POSTS
    )

    assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * POSTS
    told = {(json.dumps(one.json()), one.headers["ETag"], one.headers["Location"]) for one in answers}
    assert len(told) == 1
    with acting_for(house.ada.customer.pk):
        assert [str(one) for one in Job.objects.values_list("public_id", flat=True)] == [answers[0].json()["id"]]


def test_create__fifty_at_once_with_a_key_each__make_fifty_jobs(committed_house: House) -> None:
    house = committed_house

    answers = factories.at_once(
        lambda key: house.ada.post("deploymentjob", house.linux(), **{"Idempotency-Key": key}),
        *(f"key {number}" for number in range(POSTS)),
    )

    assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * POSTS
    assert house.ada.get("deploymentjobs").headers["X-Total-Count"] == str(POSTS)


def test_create__one_key_and_two_bodies_at_once__one_wins_and_the_other_conflicts(committed_house: House) -> None:
    house = committed_house
    key = {"Idempotency-Key": "contended"}

    answers = factories.at_once(
        lambda name: house.ada.post("deploymentjob", house.linux(name=name), **key), *("a", "b") * 10
    )

    created = {answer.json()["name"] for answer in answers if answer.status_code == 201}
    refused = {answer.status_code for answer in answers if answer.status_code != 201}
    assert (len(created), refused) == (1, {409})
    assert house.ada.get("deploymentjobs").headers["X-Total-Count"] == "1"


def test_change__two_hundred_at_once_with_if_match__lose_no_update(committed_house: House) -> None:
    house = committed_house
    path = f"deploymentjob/{house.made(description='')['id']}"

    def write(labels: list[str]) -> int:
        return sum(_append(house, path, label) for label in labels)

    refused = factories.at_once(write, *(LABELS[number::CLIENTS] for number in range(CLIENTS)))

    assert all(isinstance(one, int) for one in refused), refused
    written = house.ada.get(path).json()["description"].split()
    assert sorted(written) == LABELS
    # Nobody would have been refused if they had come one after the other, and nothing would be shown.
    assert sum(refused) > 0


def _append(house: House, path: str, label: str) -> int:
    """Add a label to what the description says now; how often somebody else was first."""
    refused = 0
    while True:
        read = house.ada.get(path)
        change: dict[str, Any] = {"description": f"{read.json()['description']} {label}"}
        status = house.ada.patch(path, change, **{"If-Match": read.headers["ETag"]}).status_code
        if status == 200:
            return refused
        assert status == 412, status
        refused += 1
        # The more hands, the longer the pause: all of them at once would refuse each other for minutes.
        time.sleep(random.uniform(0, 0.02 * 2 ** min(refused, 6)))


def test_change__at_once_without_if_match__is_one_whole_change_after_the_other(committed_house: House) -> None:
    house = committed_house
    path = f"deploymentjob/{house.made()['id']}"

    answers = factories.at_once(
        lambda label: house.ada.patch(path, {"name": label, "description": label}), *LABELS[:CLIENTS]
    )

    assert {answer.status_code for answer in answers} == {200}
    read = house.ada.get(path).json()
    assert read["name"] == read["description"]
    assert all(answer.json()["name"] == answer.json()["description"] for answer in answers)


def test_status__enabled_by_many_at_once__starts_one_run(committed_house: House) -> None:
    house = committed_house
    job = house.made()

    factories.at_once(
        lambda: house.ada.post("deploymentjobs/update/status/Enabled", {"ids": [job["id"]]}), threads=CLIENTS
    )

    assert len(house.ada.get(f"deploymentjob/{job['id']}/runs").json()) == 1
