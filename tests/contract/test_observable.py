"""No dead settings: every field that the document lets a client send changes something besides its own echo.

One line for each field: where it shows, and two bodies that differ in nothing else but in what it must drag along. A
field that the document has and the table lacks fails, and so does a line for a field that is gone.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from core.customer_context import acting_for
from inventory.models import Asset, AssetPatch, PatchStatus
from tests import factories
from tests.conftest import _empty
from tests.contract import house as houses
from tests.contract.field_groups import actions, messages, nested
from tests.contract.fields import REFUSED, RETRIES, SPREAD
from tests.contract.fields import ROWS as PLAIN
from tests.contract.house import (
    mail,
    run_script,
)
from tests.contract.observers import (
    Body,
    Workshop,
    manifest,
    refusal,
)
from tests.contract.rows import Row, row
from tests.contract.schema import Document
from tests.tenants import worlds

ROWS = PLAIN | dict(messages()) | dict(actions())
ROWS["reattemptFailedPatches.noOfReattempts"], ROWS["reattemptFailedPatches.exponentialBackoffInterval"] = (
    row(manifest, "reattemptFailedPatches", RETRIES, RETRIES | {name: 5}, **SPREAD) for name in RETRIES
)

# For each observer a line whose first body shows all that it can tell.
TWICE = [
    "assetTagIds",
    "chainedJobRule[].threshold",
    "coAuthorUserIds",
    "dayOfMonth",
    "missedRunWithin",
    "notification.notificationEvents.onJobComplete",
    "preDeployActions[].actionId",
    "preDeployActions[].detectionScript",
    "requiresApproval",
    "rollout.haltMinSample",
    "rollout.maxConcurrent",
    "status",
    "timeout",
    "timezoneType",
]


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What was seen already."""
    return {}


@pytest.fixture(scope="module")
def workshop(django_db_setup: None, django_db_blocker: Any) -> Iterator[Workshop]:
    """A house with committed rows, a key to sign with, two parents, two download URLs, and a till in Tokyo."""
    with django_db_blocker.unblock():
        try:
            yield _furnished()
        finally:
            connections.close_all()
            _empty()


def _furnished() -> Workshop:
    house = houses.build(factories.person(customer=factories.customer(), username="ada"))
    worlds.signing_key(house.ada.customer)
    at = Workshop(house)
    for patch in ("win-1", "win-2"):
        parent = house.windows(approvedPatches=[house.ids[f"patch {patch}"]], postDeployActions=[run_script()])
        house.ids[f"job with {patch}"] = house.create(parent)["id"]
    # One till has both tags, so that any and all of them differ.
    tagged = house.ada.put(f"asset/{house.ids['asset till-1']}/tags/{house.ids['tag tills-to-spare']}")
    assert tagged.status_code < 300, tagged.content
    return at


def _prepare(at: Workshop, name: str) -> None:
    """What one field alone needs."""
    if name == "customPatchURLId" and "url near" not in at.house.ids:
        for url in ("near", "far"):
            answer = at.house.ada.post("custompatchurls", {"name": url, "url": f"https://{url}.example.com/patches"})
            assert answer.status_code == 201, answer.content
            at.house.ids[f"url {url}"] = str(answer.json()["id"])
    if name == "calendarIds":
        entry = {"start": "2025-01-01T00:00:00", "end": "2025-01-02T00:00:00", "rrule": "FREQ=DAILY"}
        answer = at.house.ada.post("calendars", {"name": "always", "entries": [entry]})
        assert answer.status_code == 201, answer.content
        at.house.ids["calendar always"] = answer.json()["id"]
    if name == "type":
        with acting_for(at.customer_id):
            links = AssetPatch.objects.filter(asset__name="web-3", patch__package="lin-1")
            links.update(status=PatchStatus.INSTALLED, from_version="1.0")
    if name == "timezoneType":
        with acting_for(at.customer_id):
            Asset.objects.filter(name="till-2").update(timezone="Asia/Tokyo")


def test_document__every_field__has_a_line_and_every_line_a_field(document: Document) -> None:
    named = set(document.fields(document.body_of("createJob")))

    assert named - ROWS.keys() - REFUSED.keys() == set()
    assert ROWS.keys() - named == set()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_field__changed__changes_what_is_seen(workshop: Workshop, seen: dict[str, Any], name: str) -> None:
    row = ROWS[name]
    _prepare(workshop, name)

    one, other = (_look(workshop, seen, row, change) for change in (row.one, row.other))

    assert one != other


def _look(at: Workshop, seen: dict[str, Any], row: Row, change: Body) -> Any:
    """What the observer sees; asked once for all lines that look in the same way at the same body."""
    body = row.body(at, change)
    key = json.dumps([row.look.__qualname__, id(row.look), body], sort_keys=True)
    if key not in seen:
        seen[key] = row.look(at, body)
    return seen[key]


@pytest.mark.parametrize("name", TWICE)
def test_field__sent_twice_alike__shows_the_same(workshop: Workshop, name: str) -> None:
    """Else the test above would see chance and take it for the field's work."""
    row = ROWS[name]
    _prepare(workshop, name)

    one, other = (row.look(workshop, row.body(workshop, row.one)) for _ in range(2))

    assert one == other


def test_twice__looks_through_every_observer() -> None:
    assert {ROWS[name].look for name in TWICE} == {row.look for row in ROWS.values()} - {
        ROWS["name"].look,
        ROWS["externalId"].look,
        refusal,
    }


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_field__that_is_not_done_yet__is_refused(workshop: Workshop, name: str) -> None:
    change = nested(tuple(name.split("."))[:-1], {name.rsplit(".", maxsplit=1)[-1]: REFUSED[name]})
    if "notification" in change:
        change = {"notification": mail() | change["notification"]}

    fields = refusal(workshop, workshop.house.windows(**change))

    assert [one for one in fields if one.startswith(name)], fields
