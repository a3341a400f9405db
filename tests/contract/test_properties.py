"""Bodies made from the OpenAPI document, and bent: validate and create agree about each, and none breaks anything."""

import copy
import re
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from tests.contract.house import (
    CHECKSUM,
    DAILY,
    INTERVAL,
    MONTHLY,
    ONCE,
    START,
    WEEKLY,
    House,
    change_registry_key,
    install_software,
    mail,
    run_script,
    text,
    uninstall_software,
    without,
)
from tests.contract.schema import JSON, Document, Pools
from tests.properties import FACTOR

# In a long search each one also differs from the last.
EXAMPLES = 60 * FACTOR
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=FACTOR == 1,
    suppress_health_check=list(HealthCheck),
)
SCHEDULES: list[dict[str, Any]] = [
    {"scheduleType": "On-demand"},
    ONCE,
    DAILY,
    WEEKLY,
    {**MONTHLY, "dayOfMonth": 31},
    {**MONTHLY, "monthlyRecurringType": 1, "patchTuesdayPlusXDays": -3},
    {**MONTHLY, "recurringDayOfMonth": 5, "recurringWeekDayOfMonth": 0},
    INTERVAL,
]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _pools(house: House) -> Pools:
    """Ids of the house for the fields that hold ids: mostly those that fit, some of the other platform."""
    of = {
        kind: [one for name, one in house.ids.items() if name.startswith(kind)]
        for kind in ("asset", "tag", "patch", "user")
    }
    return {
        "approvedPatches": of["patch"],
        **dict.fromkeys(("assetIds", "exclusionAssetIds"), of["asset"]),
        **dict.fromkeys(("assetTagIds", "tagIds", "matchAllTagIds", "exclusionTagIds"), of["tag"]),
        "coAuthorUserIds": of["user"],
        "linkedJobId": [house.ids["parent"], "parent-by-name"],
        "actionIds": [1, 2, house.ids["parent action"]],
        "startDateTime": [START, "2032-02-29 10:00:00", "2031-1-1 1:00:00 AM"],
        "timezone": ["UTC", "Europe/Berlin", "Asia/Kolkata"],
        "dynamicPatchesQQL": ["title:win", "isSuperseded:false", "title:"],
        "additionalDynamicPatchesQQL": ["title:lin", "nonsense:1"],
        "recurrenceInterval": ["PT5M", "P1D", "PT1M"],
        "recipientEmails": ["a@example.com", "a@example.com,b@example.com"],
        "customPatchURLId": [1],
        "regKey": [text(r"HKLM\SOFTWARE\Example"), text("nowhere")],
        "unInstallRegistryKey": [text(r"HKLM\SOFTWARE\Example")],
        "regValue": [text("1"), text("some text")],
        "downloadURL": ["https://downloads.example.com/x.msi", "http://downloads.example.com/x.msi"],
        "fileChecksum": [CHECKSUM],
    }


@st.composite
def _bases(draw: Any, house: House) -> dict[str, Any]:
    """A body that is valid, or nearly."""
    windows = draw(st.booleans())
    body = (house.windows if windows else house.linux)() | draw(st.sampled_from(SCHEDULES))
    source = draw(st.sampled_from(["patches", "query", "parent", "nothing"]))
    if source != "patches":
        body = without(body, "approvedPatches")
    if source == "query":
        body |= {"dynamicPatchesQQL": "title:win"}
    if source == "parent":
        body |= {"linkedJobId": house.ids["parent"]}
    kinds = (
        [run_script("ps"), install_software(), change_registry_key(), uninstall_software()]
        if windows
        else [run_script("sh")]
    )
    for stage in ("preDeployActions", "postDeployActions"):
        body[stage] = draw(st.lists(st.sampled_from(kinds), max_size=2))
    if draw(st.booleans()):
        body["notification"] = mail()
    return body


def _bent(body: dict[str, Any], data: DataObject) -> dict[str, Any]:
    """The body with one place bent: gone, of another type, out of all bounds, or with a key that nobody knows."""
    body = copy.deepcopy(body)
    holder, key = data.draw(st.sampled_from(list(_places(body))), label="place")
    value = holder[key]
    how = data.draw(st.sampled_from(["text", "drop", "null", "empty", "junk", "huge", "unknown"]), label="how")
    if how == "drop":
        del holder[key]
    elif how == "unknown" and isinstance(holder, dict):
        holder[f"{key}x"] = value
    else:
        other: dict[str, SearchStrategy[Any]] = {
            "text": st.just(str(value)),
            "null": st.sampled_from([None, "null"]),
            "empty": st.sampled_from(["", [], {}]),
            "huge": st.sampled_from([10**18, -1, "x" * 5_000, 1.5]),
        }
        holder[key] = data.draw(other.get(how, JSON), label="value")
    return body


def _places(value: Any) -> Any:
    """All places in a document, as `(holder, key)`."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


def _drawn(data: DataObject, document: Document, house: House) -> dict[str, Any]:
    """A body: a base, fields as the document describes them, and now and then something bent."""
    body = data.draw(_bases(house), label="base")
    fields = document.body_of("createJob")["properties"]
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True), label="fields"):
        body[name] = data.draw(document.values(fields[name], name, _pools(house)), label=name)
    for _ in range(data.draw(st.sampled_from([0, 0, 1, 2]), label="bends")):
        body = _bent(body, data)
    return body


def _furnished(house: House) -> None:
    """A parent for the jobs that want one."""
    parent = house.create(
        house.windows(name="parent", externalId="parent-by-name", postDeployActions=[run_script()] * 2)
    )
    house.ids["parent"] = parent["id"]
    house.ids["parent action"] = parent["postDeployActions"][1]["actionId"]


def _less_ids(job: dict[str, Any]) -> Any:
    """The job without what only storing it makes: its ids, the moment, and ids inside of paths."""
    job = copy.deepcopy(without(job, "id", "createdBy"))
    if job["scheduleType"] == "On-demand":
        del job["startDateTime"]
    for stage in ("preDeployActions", "postDeployActions"):
        for action in job[stage] or []:
            action.pop("actionId")
            for key in action.keys() & {"script", "detectionScript"}:
                action[key] = UUID.sub("…", action[key] or "")
    return job


def test_validate__of_any_body__says_what_create_does(house: House, document: Document) -> None:
    _furnished(house)
    seen: Counter[str] = Counter()

    @PROFILE
    @given(data=st.data())
    def agree(data: DataObject) -> None:
        body = _drawn(data, document, house)

        validated = house.ada.post("deploymentjob/validate", body)
        created = house.ada.post("deploymentjob", body)

        assert validated.status_code == 200, validated.content
        found, made = validated.json(), created.json()
        assert found["valid"] is (found["errors"] == [])
        if found["valid"]:
            seen["valid"] += 1
            assert created.status_code == 201, (body, made)
            assert _less_ids(made) == _less_ids(found["job"]), body
            assert house.ada.get(f"deploymentjob/{made['id']}").json() == made
        else:
            seen["refused"] += 1
            assert created.status_code in {400, 409}, (body, found, created.status_code)
            assert made["errors"] == found["errors"], body

    agree()
    assert min(seen["valid"], seen["refused"]) > EXAMPLES // 10, seen


def test_change__of_any_job_sent_back_whole__changes_nothing(house: House, document: Document) -> None:
    _furnished(house)
    seen: Counter[str] = Counter()

    @PROFILE
    @given(data=st.data())
    def unchanged(data: DataObject) -> None:
        created = house.ada.post("deploymentjob", _drawn(data, document, house) | {"status": "Disabled"})
        seen[str(created.status_code)] += 1
        if created.status_code != 201:
            return
        job = created.json()
        method = data.draw(st.sampled_from(["put", "patch"]), label="method")

        answer = getattr(house.ada, method)(f"deploymentjob/{job['id']}", job)

        assert answer.status_code == 200, answer.json()
        assert without(answer.json(), "updatedBy") == without(job, "updatedBy")

    unchanged()
    assert seen["201"] > EXAMPLES // 10, seen


def test_change__of_some_fields__is_whole_or_refused_whole(house: House, document: Document) -> None:
    _furnished(house)
    seen: Counter[int] = Counter()

    @PROFILE
    @given(data=st.data())
    def whole(data: DataObject) -> None:
        job = house.create(house.windows(**data.draw(st.sampled_from(SCHEDULES))))
        drawn = _drawn(data, document, house)
        names = data.draw(st.lists(st.sampled_from(sorted(drawn)), max_size=4, unique=True) if drawn else st.just([]))
        change = {name: drawn[name] for name in names}

        answer = house.ada.patch(f"deploymentjob/{job['id']}", change)
        read = house.ada.get(f"deploymentjob/{job['id']}").json()

        seen[answer.status_code] += 1
        assert answer.status_code in {200, 400, 409}, (change, answer.content)
        assert read == (answer.json() if answer.status_code == 200 else job)

    whole()
    assert min(seen[200], seen[400]) > EXAMPLES // 20, seen


def test_any_json__for_every_route_with_a_body__is_never_an_internal_error(house: House) -> None:
    job = house.create(house.windows())
    routes = [
        ("post", "deploymentjob"), ("post", "deploymentjob/validate"), ("post", "deploymentjob/preview"),
        ("put", f"deploymentjob/{job['id']}"), ("patch", f"deploymentjob/{job['id']}"),
        ("patch", f"deploymentjob/update/{job['id']}"), ("delete", "deploymentjobs"),
        ("post", "deploymentjobs/update/status/Enabled"),
        ("delete", f"deploymentjobs/{job['id']}/deprecated/patches"),
    ]  # fmt: skip

    @PROFILE
    @given(route=st.sampled_from(routes), body=JSON)
    def answered(route: tuple[str, str], body: Any) -> None:
        answer = getattr(house.ada, route[0])(route[1], body)

        assert answer.status_code < 500, (route, body, answer.content)

    answered()
