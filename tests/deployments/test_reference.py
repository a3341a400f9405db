"""Time zones, enumerations and the fields of a job: the API's own words."""

import enum
import tomllib
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.shapes import AlsoNamed, Shape, Text, WholeNumber
from deployments.api import reference
from deployments.api.fields import enumerations_of, field_rows
from deployments.definition import JobDefinition
from deployments.definition.values import OnlyOn
from inventory.models import Platform
from scheduling import zones
from tenants.models import Role
from tests import factories
from tests.factories import Person

WINTER = datetime(2026, 1, 15, 12, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 12, tzinfo=UTC)
PATHS = ["timezones", "enumerations", "fields", "details"]


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_reference__viewer__reads_it_and_nobody_without_signing_in(ada: Person, path: str) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    assert viewer.get(path).status_code == 200
    assert Client().get(f"/pm/v1/{path}").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_reference__unknown_parameter__is_refused(ada: Person, path: str) -> None:
    answer = ada.get(f"{path}?nmae=x")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "1901")


@pytest.mark.parametrize("path", PATHS)
def test_reference__with_more_rows_about__asks_the_database_no_more(ada: Person, path: str) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            ada.get(path)
        counts.append(len(captured))
        factories.asset(ada.customer)
        factories.job(ada)

    assert counts[0] == counts[1]


# --- time zones -------------------------------------------------------------------------------------------------------


def test_timezones__all_that_a_job_accepts__are_listed_with_their_offset(ada: Person) -> None:
    answer = ada.get("timezones")

    rows = answer.json()
    names = [row["name"] for row in rows]
    assert names == sorted(set(names))
    assert {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kathmandu"} <= set(names)
    assert all(zones.canonical_name(name) == name for name in names)
    assert answer["X-Total-Count"] == str(len(rows))
    kathmandu = next(row for row in rows if row["name"] == "Asia/Kathmandu")
    assert kathmandu == {"name": "Asia/Kathmandu", "utcOffset": "+05:45", "offsetSeconds": 20_700}


@pytest.mark.parametrize(
    ("name", "at", "offset", "seconds"),
    [
        ("Europe/Berlin", WINTER, "+01:00", 3600),
        ("Europe/Berlin", SUMMER, "+02:00", 7200),
        ("UTC", WINTER, "+00:00", 0),
        ("America/St_Johns", WINTER, "-03:30", -12_600),
    ],
)
def test_timezones__offset__is_that_of_the_moment(name: str, at: datetime, offset: str, seconds: int) -> None:
    (row,) = (row for row in reference.timezone_rows(at) if row["name"] == name)

    assert (row["utcOffset"], row["offsetSeconds"]) == (offset, seconds)


# --- enumerations -----------------------------------------------------------------------------------------------------


def test_enumerations__words_of_the_contract__are_there(ada: Person) -> None:
    found = ada.get("enumerations").json()

    words = {name: [one["value"] for one in values] for name, values in found.items()}
    assert words["JobType"] == ["Install", "Rollback"]
    assert words["Platform"] == ["Windows", "Linux"]
    assert words["ScheduleType"] == ["On-demand", "Once", "Daily", "Weekly", "Monthly", "Interval"]
    assert words["TimezoneType"] == ["AGENT_TZ", "SPECIFIC_TZ"]
    assert words["Severity"] == ["Critical", "Important", "Moderate", "Low", "None"]
    assert {"Run Script"} <= set(words["ActionKind"])
    assert {"value": "Job Received", "code": 20551, "description": None} in found["HostStatus"]
    assert {"value": "Completed", "code": 20360, "description": None} in found["HostStatus"]
    assert next(one for one in found["Reason"] if one["value"] == "no_hosts")["description"]


def test_enumerations__each_that_a_field_of_a_job_takes__is_listed(ada: Person) -> None:
    found = ada.get("enumerations").json()

    for row in _flat(field_rows(JobDefinition)):
        words = row["allowedValues"]
        if words and "string" in row["type"]:
            assert any(set(words) <= {one["value"] for one in values} for values in found.values()), row["name"]


# --- fields -----------------------------------------------------------------------------------------------------------


class Colour(enum.StrEnum):
    """For these tests."""

    RED = "Red"


class Inner(Shape):
    """For these tests."""

    deep: WholeNumber = 3


def _example() -> type[Shape]:
    from typing import Annotated

    from pydantic import Field

    class Example(Shape):
        """For these tests."""

        name: Annotated[Text, AlsoNamed("title"), Field(min_length=1, max_length=9, description="What it is called.")]
        count: Annotated[WholeNumber, Field(ge=1, le=5)] = 2
        colours: list[Colour] | None = None
        minimized: Annotated[bool, OnlyOn(Platform.WINDOWS)] = False
        inner: list[Inner] | None = None

    return Example


def test_fields__declaration__is_what_they_say() -> None:
    rows = {row["name"]: row for row in field_rows(_example())}

    assert rows["name"] == {
        "name": "name",
        "otherNames": ["title"],
        "type": "string",
        "allowedValues": None,
        "default": None,
        "minimum": None,
        "maximum": None,
        "minLength": 1,
        "maxLength": 9,
        "pattern": None,
        "description": "What it is called.",
        "required": True,
        "nullable": False,
        "platform": None,
        "fields": None,
    }
    count = rows["count"]
    assert (count["minimum"], count["maximum"], count["default"], count["required"]) == (1, 5, 2, False)
    assert (rows["colours"]["type"], rows["colours"]["allowedValues"]) == ("array of string", ["Red"])
    assert rows["colours"]["nullable"]
    assert rows["minimized"]["platform"] == "Windows"
    assert [(row["name"], row["default"]) for row in rows["inner"]["fields"]] == [("deep", 3)]
    assert enumerations_of(_example()) == {"Colour": Colour}


def test_fields__of_a_job__are_all_that_it_takes(ada: Person) -> None:
    rows = {row["name"]: row for row in ada.get("fields").json()}

    assert rows.keys() == {(info.alias or name) for name, info in JobDefinition.model_fields.items()}
    assert rows["assetTagIds"]["otherNames"] == ["tagIds"]
    assert rows["minimizeWindow"]["platform"] == "Windows"
    assert rows["dayOfMonth"]["maximum"] == 31
    assert {row["name"] for row in rows["postDeployment"]["fields"]} >= {"rebootOption", "onComplete"}
    assert rows["scheduleType"]["required"]


def test_fields__of_a_job__each_says_what_it_means(ada: Person) -> None:
    undescribed = [row["name"] for row in ada.get("fields").json() if not row["description"] and row["type"] != "any"]

    assert undescribed == []


def _flat(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for row in rows:
        inner = row["fields"]
        found += [row, *(_flat(inner) if isinstance(inner, list) else [])]
    return found


# --- details ----------------------------------------------------------------------------------------------------------


def test_details__version__is_that_of_the_package(ada: Person) -> None:
    package = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]

    assert ada.get("details").json() == {"appVersion": package["version"]}
