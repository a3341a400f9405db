"""Linked jobs and chained rules: which parents and which actions may be named."""

import json
import uuid
from typing import Any

import pytest

from tests import factories
from tests.contract.house import (
    ONCE,
    House,
    run_script,
    without,
)
from tests.contract.refusals import Body, fields_of, problems


def _parent(house: House, **changes: Any) -> Body:
    actions = [run_script(), run_script(params={"actionItem": "and again"})]
    return house.create(
        house.windows(name="parent", postDeployActions=actions, preDeployActions=[run_script()]) | changes
    )


def _child(house: House, parent: Body, **changes: Any) -> Body:
    return without(house.windows(name="child"), "approvedPatches") | {"linkedJobId": parent["id"]} | changes


def _rule(**changes: Any) -> Body:
    return {
        "field": "postDeployAction",
        "actionIds": [1],
        "threshold": 80,
        "condition": "Post Actions were successfully executed",
    } | changes


def test_link__parent_by_id_or_external_id__is_named_by_its_id(house: House) -> None:
    parent = _parent(house, externalId="the-parent")

    children = [house.create(_child(house, parent, linkedJobId=one)) for one in (parent["id"], "the-parent")]

    assert [child["linkedJobId"] for child in children] == [parent["id"]] * 2


@pytest.mark.parametrize("threshold", [1, 100, "50"])
def test_rule__action_by_number_or_id__is_accepted(house: House, threshold: Any) -> None:
    parent = _parent(house)
    ids = [action["actionId"] for action in parent["postDeployActions"]]

    for sent in ([1], [1, 2], ["2"], ids, ids[0], f"{ids[0]},{ids[1]}"):
        child = house.create(_child(house, parent, chainedJobRule=[_rule(actionIds=sent, threshold=threshold)]))

        (rule,) = child["chainedJobRule"]
        assert rule.keys() == {"field", "actionIds", "threshold", "condition"}
        assert (rule["threshold"], type(rule["actionIds"])) == (int(threshold), list)
        assert house.ada.put(f"deploymentjob/{child['id']}", child).json()["chainedJobRule"] == child["chainedJobRule"]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (_rule(threshold=0), "threshold"),
        (_rule(threshold=101), "threshold"),
        (_rule(threshold=None), "threshold"),
        (_rule(field="preDeployAction"), "field"),
        (_rule(condition="Post Actions failed"), "condition"),
        (_rule(actionIds=[]), "actionIds"),
        (_rule(actionIds=[0]), "actionIds[0]"),
        (_rule(actionIds=[1, 3]), "actionIds[1]"),
        (_rule(actionIds=["nobody"]), "actionIds[0]"),
        (_rule(actionIds=[str(uuid.uuid4())]), "actionIds[0]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule__that_cannot_be__is_refused_at_its_place(house: House, rule: Body, part: str) -> None:
    parent = _parent(house)

    answer = house.ada.post("deploymentjob", _child(house, parent, chainedJobRule=[_rule(), rule]))

    assert fields_of(answer) == {f"chainedJobRule[1].{part}"}


def test_rule__pre_action_of_the_parent__is_no_post_action(house: House) -> None:
    parent = _parent(house)
    rule = _rule(actionIds=[parent["preDeployActions"][0]["actionId"]])

    answer = house.ada.post("deploymentjob", _child(house, parent, chainedJobRule=[rule]))

    assert fields_of(answer) == {"chainedJobRule[0].actionIds[0]"}


def test_rule__without_a_parent__is_refused(house: House) -> None:
    assert problems(house, house.windows(chainedJobRule=[_rule()])).keys() & {"linkedJobId", "chainedJobRule"}


def test_link__unknown_foreign_and_deleted_parents__are_alike(house: House) -> None:
    stranger = factories.stranger()
    theirs = stranger.post("deploymentjob", factories.job_body()).json()["id"]
    deleted = _parent(house)["id"]
    house.ada.delete(f"deploymentjob/{deleted}")
    unknown = str(uuid.uuid4())

    told = [
        json.dumps(house.ada.post("deploymentjob", _child(house, {"id": one})).json()["errors"]).replace(one, "it")
        for one in (unknown, theirs, deleted)
    ]

    assert told[0] == told[1] == told[2]
    assert '"field": "linkedJobId"' in told[0]


def test_link__to_itself__is_refused(house: House) -> None:
    job = house.create(without(house.windows(), "approvedPatches"))

    assert fields_of(house.ada.patch(f"deploymentjob/{job['id']}", {"linkedJobId": job["id"]})) == {"linkedJobId"}


def test_link__in_a_circle__is_refused(house: House) -> None:
    first = house.create(without(house.windows(name="first"), "approvedPatches"))
    second = house.create(_child(house, first))
    third = house.create(_child(house, second))

    assert fields_of(house.ada.patch(f"deploymentjob/{first['id']}", {"linkedJobId": third["id"]})) == {"linkedJobId"}


def test_link__to_a_job_of_the_other_platform__is_refused(house: House) -> None:
    parent = house.create(house.linux(name="parent"))

    assert fields_of(house.ada.post("deploymentjob", _child(house, parent))) & {"linkedJobId", "platform"}


def test_link__parent_with_a_child__is_not_deleted_before_it(house: House) -> None:
    parent = _parent(house)
    child = house.create(_child(house, parent))

    refused = house.ada.delete(f"deploymentjob/{parent['id']}")
    (row,) = house.ada.delete("deploymentjobs", {"ids": [parent["id"]]}).json()
    afterwards = [house.ada.delete(f"deploymentjob/{one['id']}").status_code for one in (child, parent)]

    assert (refused.status_code, refused.json()["errorCode"]) == (409, "1920")
    assert (row["status"], bool(row["error"])) == ("failure", True)
    assert afterwards == [200, 200]


def test_link__child_alone__counts_as_work_when_enabling(house: House) -> None:
    parent = _parent(house)

    child = house.create(_child(house, parent, **ONCE, status="Enabled"))

    assert child["status"] == "Enabled"
